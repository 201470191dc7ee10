"""What is written to readers, how it is handed over, and what comes back.

messages    a digest or letter -> a complete e-mail
mailer      a complete e-mail -> a mail server, with its answer; speaks SMTP
bounces     a mail that came back -> what it says of an address
imap        a mailbox -> the mails in it; speaks IMAP
links       signed links in mails
"""
