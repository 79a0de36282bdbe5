"""Plain frozen values that every layer shares. Nothing here does IO or knows a protocol's wire form."""
