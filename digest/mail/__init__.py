"""Mail: what is written to readers, how it is sent, and what comes back.

messages    a digest or letter -> a complete e-mail
mailer      a complete e-mail -> a mail server, with its reply; speaks SMTP
bounces     an inbound mail -> bounce, complaint, automatic reply or other
imap        a mailbox -> the mails in it; speaks IMAP
links       signed tokens in links, bounce addresses and subjects
"""
