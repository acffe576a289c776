#include "common/secrets.h"

#include <gtest/gtest.h>

namespace mvn {
namespace {

TEST(Secrets, AreKnownByTheirNames) {
  for (const auto* name :
       {"token", "api_key", "API_KEY", "args.openai.apiKey", "HF_TOKEN", "--auth-token", "password",
        "db_password", "client-secret", "AWS_SECRET_ACCESS_KEY", "credentials"}) {
    EXPECT_TRUE(is_secret_name(name)) << name;
  }
}

TEST(Secrets, TokensOfALanguageModelAreNone) {
  for (const auto* name :
       {"eos_token", "pad_token", "unk_token", "mask_token", "tokenizer", "max_tokens",
        "pad_token_id", "token_type_ids", "monkey", "key", "secretary", "PWD", "model.plugin"}) {
    EXPECT_FALSE(is_secret_name(name)) << name;
  }
}

TEST(Secrets, AreMaskedInAConfigurationAtAnyDepth) {
  const Json config = Json::parse(
      R"({"args": {"api_key": "abc", "wandb": {"token": 7}, "use_auth_token": true, "r": 8},
          "worker": {"command": ["python3", "t.py", "--token=abc", "--hf-token", "def", "--r", "8"]},
          "list": [{"password": "x"}, null]})");
  EXPECT_EQ(without_secrets(config),
            Json::parse(
                R"({"args": {"api_key": "***", "wandb": {"token": "***"}, "use_auth_token": true,
                             "r": 8},
                    "worker": {"command": ["python3", "t.py", "--token=***", "--hf-token", "***",
                                           "--r", "8"]},
                    "list": [{"password": "***"}, null]})"));
  EXPECT_EQ(masked_name(without_secrets(config)), "args.api_key");
  EXPECT_EQ(masked_name(Json::parse(R"({"worker": {"command": ["a", "--token=***"]}})")),
            "worker.command.1");
  EXPECT_EQ(masked_name(config), "");
}

TEST(Secrets, AreMaskedInAnyText) {
  EXPECT_EQ(text_without_secrets("args:\n  api_key: \"a b\"  # mine\n  rank: 8\n"),
            "args:\n  api_key: \"***\"  # mine\n  rank: 8\n");
  EXPECT_EQ(text_without_secrets("+API_KEY=abc\n-password = 'x y'\n"),
            "+API_KEY=***\n-password = '***'\n");
  EXPECT_EQ(text_without_secrets("mvn-runner s.yaml args.token=abc training.steps=3"),
            "mvn-runner s.yaml args.token=*** training.steps=3");
  EXPECT_EQ(text_without_secrets("command: [python3, t.py, --token, abc, --r, 8]"),
            "command: [python3, t.py, --token, ***, --r, 8]");
  EXPECT_EQ(text_without_secrets("  - --hf-token\n  - abc\n  - --r\n"),
            "  - --hf-token\n  - ***\n  - --r\n");
  EXPECT_EQ(text_without_secrets("{\"token\": \"abc\", \"r\": 8}"),
            "{\"token\": \"***\", \"r\": 8}");
}

TEST(Secrets, OtherTextStays) {
  for (const auto* text :
       {"eos_token: </s>", "token:\n  a: 1", "if token == other:", "secret: {a: 1}", "--token",
        "--token=", "api_key: ${KEY}", "a::token", ""}) {
    EXPECT_EQ(text_without_secrets(text), text);
  }
}

}  // namespace
}  // namespace mvn
