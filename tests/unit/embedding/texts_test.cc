#include "texts.h"

#include <gtest/gtest.h>

#include "embedding.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace mvn::test {
namespace {

using List = std::vector<std::string>;

Texts read_texts(Value::Map values) {
  return read_texts(Params("task", embedding_entry().params, values));
}

TEST(Texts, AreTheLinesOfATextFile) {
  const TemporaryFolder folder;
  const auto file = folder.write("t.txt", "one, two\n\n three \nfour").string();
  const auto texts = read_texts({{"texts", file}});
  EXPECT_EQ((List{"one, two", "", "three", "four"}), texts.texts);
  EXPECT_EQ((List{"1 of 4 texts are empty"}), texts.warnings);
  EXPECT_EQ(" three ", read_texts({{"texts", file}, {"strip", false}}).texts[2]);
}

TEST(Texts, AreAColumnOfATable) {
  const TemporaryFolder folder;
  const auto csv = folder.write("t.csv", "id,body\n1,\"a\nb\"\n2,c\n").string();
  const auto json = folder.write("t.jsonl", "{\"body\": \"d\", \"x\": 1}\n").string();
  const auto texts = read_texts({{"texts", Value::List{csv, json}}, {"texts_column", "body"}});
  EXPECT_EQ((List{"a\nb", "c", "d"}), texts.texts);
  EXPECT_TRUE(texts.warnings.empty());
}

TEST(Texts, StandAlone) {
  const TemporaryFolder folder;
  const auto file = folder.write("t.txt", "a\n").string();
  EXPECT_EQ(
      "task.texts: stands alone: nothing is trained or measured beside it, and there is task.train",
      error_of([&] {
        read_texts({{"texts", file}, {"train", file}});
      }));
  const auto empty = folder.write("empty.txt", "").string();
  EXPECT_EQ(empty + ": has no text", error_of([&] { read_texts({{"texts", empty}}); }));
}

}  // namespace
}  // namespace mvn::test
