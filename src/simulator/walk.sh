#!/bin/sh
# Walks a DigiLocker sign-in as an outsider would, with curl and openssl alone: authorize, sign-in, consent, token,
# issued list, XML; then checks the hmac header and the signature of the document by hand.
#   sh walk.sh http://127.0.0.1:4002 [persona] [doctype]
# For another client: CLIENT_ID, CLIENT_SECRET, REDIRECT_URI. SCOPES is sent when set. WRONG names what should go wrong.
set -eu
base=${1:?address of the simulator}
persona=${2:-asha}
doctype=${3:-DRVLC}
client_id=${CLIENT_ID:-DWARDEMO}
client_secret=${CLIENT_SECRET:-demo-only-not-a-secret}
redirect_uri=${REDIRECT_URI:-http://localhost:4000/callback/digilocker}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cookies=$folder/cookies
say() { printf '%s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
browse() { curl -sS -b "$cookies" -c "$cookies" "$@"; }
location() { sed -n 's/^[Ll]ocation: *//p' "$folder/head" | tr -d '\r' | tail -1; }
hidden_flow() { sed -n 's/.*name="flow" value="\([0-9a-f]*\)".*/\1/p' "$folder/page" | head -1; }
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

# 1. PKCE (RFC 7636) and a state of our own
verifier=$(openssl rand -hex 32)
challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | openssl base64 -A | tr '+/' '-_' | tr -d '=')
state=$(openssl rand -hex 16)

# 2. authorize: the browser goes to the sign-in page
browse -o /dev/null -D "$folder/head" -G "$base/public/oauth2/1/authorize" \
  --data-urlencode "response_type=code" --data-urlencode "client_id=$client_id" \
  --data-urlencode "redirect_uri=$redirect_uri" --data-urlencode "state=$state" \
  --data-urlencode "code_challenge=$challenge" --data-urlencode "code_challenge_method=S256" \
  --data-urlencode "purpose=walk" --data-urlencode "service_name=Walk" ${SCOPES:+--data-urlencode "scope=$SCOPES"}
page=$(location)
[ -n "$page" ] || fail "authorize did not lead to a sign-in page"
say "authorize: on to sign-in"

# 3. sign in with the PIN that is printed beside the name
browse -o "$folder/page" "$base$page"
pin=$(tr '\n' ' ' < "$folder/page" | sed "s/.*value=\"$persona\"//" | grep -o 'PIN <code>[0-9]*' | head -1 | tr -dc '0-9')
browse -o /dev/null -D "$folder/head" "$base$page" --data-urlencode "flow=$(hidden_flow)" \
  --data-urlencode "persona=$persona" --data-urlencode "pin=$pin" --data-urlencode "wrong=${WRONG:-}"
page=$(location)
[ -n "$page" ] || fail "the sign-in was refused"
say "sign-in: as $persona"

# 4. agree to one document; the browser comes back with code and state
browse -o "$folder/page" "$base$page"
browse -o /dev/null -D "$folder/head" "$base$page" --data-urlencode "flow=$(hidden_flow)" \
  --data-urlencode "document=$doctype" --data-urlencode "decision=allow"
back=$(location)
code=$(printf %s "$back" | sed -n 's/.*[?&]code=\([^&]*\).*/\1/p')
[ -n "$code" ] || fail "no code came back"
[ "$(printf %s "$back" | sed -n 's/.*[?&]state=\([^&]*\).*/\1/p')" = "$state" ] || fail "another state came back"
say "consent: a code, under our state"

# 5. the code for a token; the verifier proves that we asked
curl -sS -o "$folder/token" "$base/public/oauth2/1/token" --data-urlencode "grant_type=authorization_code" \
  --data-urlencode "code=$code" --data-urlencode "redirect_uri=$redirect_uri" \
  --data-urlencode "code_verifier=$verifier" --data-urlencode "client_id=$client_id" \
  --data-urlencode "client_secret=$client_secret"
access=$(member access_token < "$folder/token")
[ -n "$access" ] || fail "no access token: $(cat "$folder/token")"
say "token: $(printf %s "$access" | wc -c | tr -d ' ') characters, opaque"

# 6. what is in the locker, as far as it was agreed to
curl -sS -o "$folder/issued" -H "Authorization: Bearer $access" "$base/public/oauth2/2/files/issued"
uri=$(tr ',{' '\n\n' < "$folder/issued" | member uri | grep -- "-$doctype-" | head -1)
[ -n "$uri" ] || fail "no $doctype in the list"
say "issued: $doctype is there"

# 7. the document, and its hmac header: base64(HMAC-SHA256(client secret, body)). It proves who sent it, not what it says.
curl -sS -o "$folder/document.xml" -D "$folder/head" -H "Authorization: Bearer $access" "$base/public/oauth2/1/xml/$uri"
grep -q '^HTTP/[0-9.]* 200' "$folder/head" || fail "the document was refused: $(cat "$folder/document.xml")"
sent=$(sed -n 's/^[Hh]mac: *//p' "$folder/head" | tr -d '\r')
made=$(openssl dgst -sha256 -hmac "$client_secret" -binary < "$folder/document.xml" | openssl base64 -A)
[ "$sent" = "$made" ] || fail "the hmac header is missing or wrong"
say "hmac: right"

# 8. the signature over SignedInfo, under the certificate in KeyInfo. SignedInfo as it stands is not yet canonical:
#    its namespace is inherited, and canonical XML writes it out and gives empty elements an end tag (Exclusive C14N).
grep -q '<SignedInfo>' "$folder/document.xml" || fail "the document has no signature"
sed -n '/<SignedInfo>/,/<\/SignedInfo>/p' "$folder/document.xml" | tr '\n' '\001' \
  | sed 's/.*<SignedInfo>/<SignedInfo xmlns="http:\/\/www.w3.org\/2000\/09\/xmldsig#">/; s/<\/SignedInfo>.*/<\/SignedInfo>/' \
  | sed 's/<\([A-Za-z]*\)\( Algorithm="[^"]*"\)\/>/<\1\2><\/\1>/g' | tr '\001' '\n' > "$folder/signedinfo.raw"
printf %s "$(cat "$folder/signedinfo.raw")" > "$folder/signedinfo"
tr -d '\n' < "$folder/document.xml" | sed -n 's/.*<SignatureValue>\([^<]*\)<.*/\1/p' | openssl base64 -d -A > "$folder/signature"
{ say '-----BEGIN CERTIFICATE-----'
  tr -d '\n' < "$folder/document.xml" | sed 's/.*<SignatureValue>//' | grep -o '<X509Certificate>[^<]*' | head -1 \
    | sed 's/<X509Certificate>//' | fold -w 64
  say '-----END CERTIFICATE-----'; } | sed '/^$/d' > "$folder/signer.pem"
openssl x509 -in "$folder/signer.pem" -pubkey -noout > "$folder/key.pem"
openssl dgst -sha1 -verify "$folder/key.pem" -signature "$folder/signature" "$folder/signedinfo" > /dev/null \
  || fail "the signature over SignedInfo does not hold"
say "signature: holds under $(openssl x509 -in "$folder/signer.pem" -noout -subject | sed 's/.*CN *= *//; s/,.*//')"

# 9. the digest over the document itself needs inclusive canonical XML, which openssl does not know. xmlsec1 does.
if command -v xmlsec1 > /dev/null; then
  xmlsec1 --verify --insecure --enabled-key-data x509 --pubkey-cert-pem "$folder/signer.pem" "$folder/document.xml" > /dev/null 2>&1 \
    || fail "the document was changed after it was signed"
  say "digest: the document is as it was signed"
else
  say "digest: not looked at (install xmlsec1)"
fi
say "OK"
