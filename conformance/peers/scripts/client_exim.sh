#!/bin/sh -eu
# Sends with Exim what stands in the environment, as the conformance suite tells a client what to do. It delivers at once,
# adds no header fields, and drops the notice about what it could not deliver.
exim=$(command -v exim4 || command -v exim)
folder=$(dirname "$SMTP_CA")
mkdir "$folder/spool"
if [ "$(id -u)" -eq 0 ]; then
    user=65534
    chmod 755 "$folder"
    : >"$folder/spool/mainlog"
    chown "$user:$user" "$folder/spool" "$folder/spool/mainlog"
else
    user=$(id -u)
fi
case $SMTP_SECURITY in
plain) tls='hosts_avoid_tls = *' ;;
starttls) tls='hosts_require_tls = *' ;;
opportunistic) tls='hosts_try_chunking = *' ;;
implicit) tls='protocol = smtps' ;;
esac
cat >"$folder/exim.conf" <<END
exim_path = $exim
exim_user = $user
exim_group = $user
spool_directory = $folder/spool
log_file_path = $folder/spool/%slog
primary_hostname = client.example
acl_not_smtp_start = bare
acl_not_smtp = accept
received_header_text =
host_lookup =
keep_environment =

begin acl
bare:
  accept
    control = suppress_local_fixups

begin routers
notices:
  driver = redirect
  condition = \${if !eq{\$received_protocol}{suite}}
  data = :blackhole:
harness:
  driver = manualroute
  route_list = * $SMTP_HOST
  self = send
  transport = harness

begin transports
harness:
  driver = smtp
  port = $SMTP_PORT
  allow_localhost
  $tls
  tls_verify_certificates = $SMTP_CA

begin retry
* * F,1h,1h
END
set --
while IFS= read -r to; do set -- "$@" "$to"; done <"$SMTP_MAILS/1/to"
# What it does not take at all is nothing that it sends.
"$exim" -C "$folder/exim.conf" -odf -oMr suite -i -f "${SMTP_FROM:-<>}" -- "$@" <"$SMTP_MESSAGE" 2>"$folder/errors" || exit 127
# What it cannot write to its log it writes there.
cat "$folder/spool/mainlog" "$folder/errors" >"$folder/log"
cat "$folder/log" >&2
! grep -qE ' (\*\*|==) ' "$folder/log"
