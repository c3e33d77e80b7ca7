load help
load s3

# Where the keys of the object storage come from: the environment, a file, a stored secret.
no_env() { unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY; }
lines() { printf '%s\n' "$@"; }

@test "keys of a stored secret: in the lines of a credentials file; nothing else is needed, and nothing of it is kept in the clear" {
  s3
  no_env
  lines '# kept by me' '[other]' 'aws_access_key_id = no' 'aws_secret_access_key = no' '[default]' 'aws_access_key_id = AKIDTEST' 'aws_secret_access_key=canary-secret-of-s3' > creds
  br secrets set s3-keys --from-file creds --db x.db; [ "$st" = 0 ]
  rm creds
  keep k '{:a 1}'
  load l k
  br k.edn --db x.db --run-id k --blobs "$URL&keys=s3-keys"; [ "$st" = 0 ] || { echo "$err"; false; }
  rm -r x.db-blobs-cache
  br l.edn --db x.db; want 0 '{:a 1}'
  is 's["bad"]' '[]'
  br gc --db x.db; [ "$st" = 0 ]
  [ "$(grep -rla canary-secret . --include='x.db*' | wc -l)" = 0 ]
  [[ $out$err != *canary* ]]
  # another key file cannot open it: the blob's step says so
  rm -r x.db-blobs-cache
  mkdir other; head -c 32 /dev/urandom | base64 > other/key; chmod 600 other/key
  br l.edn --db x.db --secrets-key other/key --run-id l2; [ "$st" = 1 ]; says "the keys of the object storage: secret"; says "s3-keys"
}
@test "keys of a stored secret: another workspace's, one without keys, none" {
  s3
  no_env
  keep k 1
  br k.edn --db x.db --blobs "$URL&keys=s3-keys"; want 2 ""; says "workspace local has no secret s3-keys"; says "breyta-run secrets set s3-keys"
  lines hello | br_in secrets set s3-keys --db x.db
  br k.edn --db x.db --blobs "$URL&keys=s3-keys"; want 2 ""; says "holds no lines aws_access_key_id"
  lines 'aws_access_key_id = AKIDTEST' 'aws_secret_access_key = canary-secret-of-s3' | br_in secrets set its -w ops --db x.db
  br k.edn --db x.db --blobs "$URL&keys=ops/its"; [ "$st" = 0 ] || { echo "$err"; false; }
  is 's["bad"]' '[]'
  for bad in 'keys=' 'keys=a b' 'keys=/x' 'keys=a/b/c'; do br k.edn --db y.db --blobs "$URL&$bad"; want 2 ""; says "the name of a stored secret is expected"; done
  # deleted later: a run says so, and goes on when it is back
  br secrets rm its -w ops --db x.db; [ "$st" = 0 ]
  br k.edn --db x.db --run-id k2; [ "$st" = 1 ]; says "workspace ops has no secret its"
  lines 'aws_access_key_id = AKIDTEST' 'aws_secret_access_key = canary-secret-of-s3' | br_in secrets set its -w ops --db x.db
  br k.edn --db x.db --run-id k3; [ "$st" = 0 ]
}
@test "keys of a file: AWS_SHARED_CREDENTIALS_FILE and AWS_PROFILE; the environment comes first, keys= before both" {
  s3
  no_env
  keep k 1
  br k.edn --db x.db --blobs "$URL"; want 2 ""; says "no keys for the object storage"; says "$DIR/none"
  lines '[work]' 'aws_access_key_id = AKIDTEST' 'aws_secret_access_key = canary-secret-of-s3' '[default]' 'aws_access_key_id = WRONG' 'aws_secret_access_key = wrong' > creds
  AWS_SHARED_CREDENTIALS_FILE=creds AWS_PROFILE=work br k.edn --db x.db --blobs "$URL"; [ "$st" = 0 ] || { echo "$err"; false; }
  AWS_SHARED_CREDENTIALS_FILE=creds br k.edn --db x.db --run-id wrong; [ "$st" = 1 ]
  AWS_SHARED_CREDENTIALS_FILE=creds AWS_ACCESS_KEY_ID=AKIDTEST AWS_SECRET_ACCESS_KEY=canary-secret-of-s3 br k.edn --db x.db --run-id env; [ "$st" = 0 ]
  lines 'aws_access_key_id = AKIDTEST' 'aws_secret_access_key = canary-secret-of-s3' | br_in secrets set right --db x.db
  AWS_ACCESS_KEY_ID=WRONG AWS_SECRET_ACCESS_KEY=wrong br k.edn --db x.db --run-id stored --blobs "$URL&keys=right"; [ "$st" = 0 ]
}
