"""Mail on its way in from files and out into them: formats, one file each, and what both ways share."""
