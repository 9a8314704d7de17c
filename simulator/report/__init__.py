"""Tables, plots and pages: the only room that draws. Knows results; knows no timing law."""
