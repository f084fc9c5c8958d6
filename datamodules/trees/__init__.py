"""Images as they lie in a folder, a zip or a tar file, read in place; and what their folders' names say of them."""
