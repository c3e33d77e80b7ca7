/* Keys and signatures made by the openssl command for test_webhook_auth.c. */
#define EC_PUBLIC \
  "-----BEGIN PUBLIC KEY-----\n" \
  "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPxTQx6CBBaqyjnsqlv3QqRyvb3/Z\n" \
  "rgfPOCFW5AeW+LkUF83XpEEGVoqLoqhOsEWRGw5XzL2K8Mcg+ocPrm9Sgw==\n" \
  "-----END PUBLIC KEY-----\n"
#define EC_P384 \
  "-----BEGIN PUBLIC KEY-----\n" \
  "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEDOqTFMo97VqiXv5Ya7sh9vHu6c1FILHx\n" \
  "ph5w66l+cQ9M38hLr6gT/HvaetBP00E2imfIgOYVKl/ekbXSmN90dyKS1yxAEb9g\n" \
  "ktGZTgvs5m5/eWbiPBSztNYQIsUOnLNv\n" \
  "-----END PUBLIC KEY-----\n"
#define EC_SIG_STAMPED "MEYCIQCzGatUOiFugY8dCzpBJfBXPcEezItRPfqigZha5ogFIQIhAJ9dbfBQ9IBFdstw78iJaj9whiTHY8GRDbOjLGKUXtyU"
#define EC_SIG_BARE "MEUCICHjmuVqpY/c+y07LWpl9cdpxQy3QPf2aJYb2bvJF5GVAiEAsOAHP1FFmS0DVJ8p0BZChhZlxWHgDkStQoKG9Df3kMg="
