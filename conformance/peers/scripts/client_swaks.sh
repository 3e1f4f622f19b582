#!/bin/sh
# Sends with swaks what stands in the environment, as the conformance suite tells a client what to do. It takes a final lone
# dot for the end of the data, and is given one so that none of the message is.
case $SMTP_SECURITY in
plain) tls= ;;
starttls) tls=--tls ;;
opportunistic) tls=--tls-optional ;;
implicit) tls=--tls-on-connect ;;
esac
# Commas stand between recipients.
grep -q , "$SMTP_MAILS/1/to" && exit 127
to=$(paste -s -d , "$SMTP_MAILS/1/to")
{
    cat "$SMTP_MESSAGE"
    [ -z "$(tail -c 1 "$SMTP_MESSAGE" | tr -d '\n')" ] || printf '\r\n'
    printf '.\r\n'
} | swaks --config --timeout 60 --suppress-data --ehlo client.example $tls \
    --server "$SMTP_HOST" --port "$SMTP_PORT" --from "${SMTP_FROM:-<>}" --to "$to" --data - \
    ${SMTP_USER:+--auth ${SMTP_MECHANISM:-PLAIN,LOGIN} --auth-user "$SMTP_USER" --auth-password "$SMTP_PASSWORD"} >&2
