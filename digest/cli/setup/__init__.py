"""What `digest init` guesses, asks and writes.

Reading order: `fields` (words -> categories and sources), `mail_servers` (which server takes the
mails), `questions` (on a terminal), `files` (the config), `installs` and `service_files` (a systemd
unit, a container).
"""
