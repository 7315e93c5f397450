"""One HTML page from run folders; reads files only."""
