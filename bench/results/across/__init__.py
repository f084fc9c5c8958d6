"""What boards of several data sets say together."""
