#!/bin/sh -eu
# Sends with Postfix what stands in the environment, as the conformance suite tells a client what to do: a mail system for this
# one mail, which adds no header fields and keeps in its queue what is refused.
folder=$(dirname "$SMTP_CA")/postfix
port=$SMTP_PORT
setting() { postconf -dh "$1"; }
chmod 755 "${folder%/*}"
mkdir -p "$folder/data"
for name in pid incoming active maildrop deferred defer bounce corrupt hold flush trace saved private public; do
    mkdir -p "$folder/queue/$name"
    [ "$name" = pid ] || chown "$(setting mail_owner)" "$folder/queue/$name"
done
chown "$(setting mail_owner)" "$folder/data"
case $SMTP_SECURITY in
plain) tls='smtp_tls_security_level = none' ;;
starttls) tls='smtp_tls_security_level = encrypt' ;;
opportunistic) tls='smtp_tls_security_level = may' ;;
implicit) tls='smtp_tls_security_level = encrypt
smtp_tls_wrappermode = yes' ;;
esac
echo '/^Received: by client\.example \(Postfix, from userid/ IGNORE' >"$folder/header_checks"
cat >"$folder/main.cf" <<END
compatibility_level = 3.6
queue_directory = $folder/queue
data_directory = $folder/data
maillog_file = $folder/log
maillog_file_prefixes = $folder
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = client.example
mydestination =
alias_maps =
local_recipient_maps =
header_checks = regexp:$folder/header_checks
relayhost = [$SMTP_HOST]:$port
soft_bounce = yes
smtp_tls_CAfile = $SMTP_CA
$tls
END
cat >"$folder/master.cf" <<END
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
END
"$(setting daemon_directory)/master" -c "$folder" -d 2>"$folder/errors" &
until [ -S "$folder/queue/public/pickup" ]; do
    kill -0 $! || { cat "$folder/errors" "$folder/log" >&2; exit 1; }
    sleep 0.02
done
set --
while IFS= read -r to; do set -- "$@" "$to"; done <"$SMTP_MAILS/1/to"
# What it does not take at all is nothing that it sends.
"$(setting sendmail_path)" -C "$folder" -G -i ${SMTP_BODY:+-B "$SMTP_BODY"} -f "$SMTP_FROM" -- "$@" <"$SMTP_MESSAGE" ||
    exit 127
until [ -f "$folder/log" ] && [ "$(grep -c 'status=' "$folder/log")" -ge $# ]; do
    sleep 0.02
done
cat "$folder/log" >&2
grep -q 'relay=none' "$folder/log" && exit 127
! grep -qE 'status=(deferred|bounced|SOFTBOUNCE)' "$folder/log"
