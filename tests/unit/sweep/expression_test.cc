#include "orchestrate/sweep/expression.h"

#include <gtest/gtest.h>

#include "mvn/error.h"

namespace mvn {
namespace {

Json lookup(const std::string& key) {
  static const Json values = {{"adapter.r", 16},
                              {"optimizer.lr", 0.001},
                              {"model.plugin", "mamba"},
                              {"training.save_model", true}};
  return values.value(key, Json());
}

bool holds(const std::string& text) { return Expression(text).holds(lookup); }

std::string error_of(const std::string& text) {
  try {
    holds(text);
  } catch (const ConfigError& e) {
    return e.message();
  }
  return "no error";
}

TEST(Expression, Compares) {
  EXPECT_TRUE(holds("adapter.r == 16"));
  EXPECT_TRUE(holds("adapter.r == 16.0"));
  EXPECT_FALSE(holds("adapter.r != 16"));
  EXPECT_TRUE(holds("adapter.r >= 16 && optimizer.lr < 1e-2"));
  EXPECT_TRUE(holds("model.plugin == 'mamba'"));
  EXPECT_TRUE(holds("model.plugin in ['gptneo', \"mamba\"]"));
  EXPECT_FALSE(holds("adapter.r in [4, 8]"));
  EXPECT_FALSE(holds("adapter.r == '16'"));
}

TEST(Expression, CombinesWithTheUsualPrecedence) {
  EXPECT_TRUE(holds("adapter.r == 16 || adapter.r == 1 && adapter.r == 2"));
  EXPECT_FALSE(holds("(adapter.r == 16 || adapter.r == 1) && adapter.r == 2"));
  EXPECT_TRUE(holds("not adapter.r == 4 and training.save_model"));
  EXPECT_FALSE(holds("!training.save_model"));
}

TEST(Expression, AMissingValueEqualsNullAlone) {
  EXPECT_TRUE(holds("adapter.plugin == null"));
  EXPECT_FALSE(holds("adapter.plugin == 'lora'"));
  EXPECT_FALSE(holds("adapter.plugin < 3 || adapter.plugin >= 3"));
}

TEST(Expression, SaysWhereItCannotBeRead) {
  EXPECT_EQ("write == to compare, at '=' (character 11)", error_of("adapter.r = 16"));
  EXPECT_EQ("a text needs quotes, and a key its section, at 'mamba' (character 17)",
            error_of("model.plugin == mamba"));
  EXPECT_EQ("expected a key or a constant at its end (character 13)", error_of("adapter.r =="));
  EXPECT_EQ("expected ')' at its end (character 16)", error_of("(adapter.r == 1"));
  EXPECT_EQ("the quote is never closed at 'mamba' (character 17)",
            error_of("model.plugin == 'mamba"));
  EXPECT_EQ("expected && or || at '2' (character 16)", error_of("adapter.r == 1 2"));
  EXPECT_EQ("unexpected character at '?' (character 11)", error_of("adapter.r ? 1"));
  EXPECT_EQ("cannot order \"mamba\" and 3.0", error_of("model.plugin < 3"));
  EXPECT_EQ("16 is neither true nor false", error_of("adapter.r"));
}

}  // namespace
}  // namespace mvn
