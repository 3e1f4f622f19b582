#!/bin/sh
# Sends with msmtp what stands in the environment, as the conformance suite tells a client what to do. It is told to leave
# the header alone.
case $SMTP_SECURITY in
plain) tls= ;;
starttls) tls="--tls=on --tls-starttls=on --tls-trust-file=$SMTP_CA" ;;
implicit) tls="--tls=on --tls-starttls=off --tls-trust-file=$SMTP_CA" ;;
*) exit 127 ;;
esac
set --
if [ -n "$SMTP_USER" ]; then
    mechanism=$(echo "${SMTP_MECHANISM:-on}" | tr '[:upper:]' '[:lower:]')
    set -- "--auth=$mechanism" "--user=$SMTP_USER" '--passwordeval=echo "$SMTP_PASSWORD"'
fi
set -- "$@" --
while IFS= read -r to; do set -- "$@" "$to"; done <"$SMTP_MAILS/1/to"
exec msmtp --file=/dev/null --host="$SMTP_HOST" --port="$SMTP_PORT" --auto-from=off --domain=client.example \
    --set-from-header=off --set-date-header=off --set-msgid-header=off --remove-bcc-headers=off \
    --undisclosed-recipients=off --timeout=60 --from="$SMTP_FROM" $tls "$@" <"$SMTP_MESSAGE"
