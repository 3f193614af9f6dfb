"""What the black-box tests share: a server to talk to, clients that show every byte, and a ledger of what was answered."""
