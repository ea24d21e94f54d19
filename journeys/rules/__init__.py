"""What the shells round the machine answer with: facts asked for, who may enter, whether a mail may go."""
