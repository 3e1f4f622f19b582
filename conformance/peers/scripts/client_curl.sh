#!/bin/sh
# Sends with curl what stands in the environment, as the conformance suite tells a client what to do.
case $SMTP_SECURITY in
plain) tls= ;;
opportunistic) tls="--ssl --cacert $SMTP_CA" ;;
*) tls="--ssl-reqd --cacert $SMTP_CA" ;;
esac
set --
while IFS= read -r to; do set -- "$@" --mail-rcpt "$to"; done <"$SMTP_MAILS/1/to"
exec curl --disable --silent --show-error --noproxy '*' --max-time 60 --url "$SMTP_URL/client.example" $tls \
    ${SMTP_MECHANISM:+--login-options AUTH=$SMTP_MECHANISM} \
    --mail-from "$SMTP_FROM" --mail-rcpt-allowfails "$@" --upload-file "$SMTP_MESSAGE"
