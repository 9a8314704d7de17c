"""Tables, plots and pages: the only room that draws."""
