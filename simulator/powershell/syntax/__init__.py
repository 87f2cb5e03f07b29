"""From files to checked nodes: everything that can be refused before running is refused here."""
