"""Files as they are: encodings, forms, cells, columns, lines."""
