"""How mail programs find out by themselves where to connect: Thunderbird's, Microsoft's and Apple's ways."""
