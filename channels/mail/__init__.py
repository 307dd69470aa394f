"""E-mail: mailboxes in, mails out."""
