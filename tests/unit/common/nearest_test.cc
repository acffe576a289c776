#include "mvn/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace mvn {
namespace {

const std::vector<std::string> kModels = {"gptneo", "mamba", "mistral"};

TEST(Nearest, FindsAMisspeltName) {
  EXPECT_EQ(nearest_name("mambo", kModels), "mamba");
  EXPECT_EQ(nearest_name("gtpneo", kModels), "gptneo");
}

TEST(Nearest, SaysNothingWhereNothingIsNear) {
  EXPECT_EQ(nearest_name("llama-2-7b", kModels), "");
  EXPECT_EQ(nearest_name("x", {}), "");
}

TEST(Nearest, SuggestsAndLists) {
  EXPECT_EQ(suggest("mambo", kModels), "; did you mean 'mamba'? (known: gptneo, mamba, mistral)");
  EXPECT_EQ(suggest("bloom-176b", kModels), " (known: gptneo, mamba, mistral)");
}

TEST(Nearest, DoesNotListWhatIsTooLongToRead) {
  const std::vector<std::string> many(13, "name");
  EXPECT_EQ(suggest("completely-other", many), "");
}

}  // namespace
}  // namespace mvn
