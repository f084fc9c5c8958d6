"""Tools of developers; not part of the package."""
