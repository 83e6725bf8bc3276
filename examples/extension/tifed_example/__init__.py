"""What a package can add to TIFeD, one small example of each kind."""
