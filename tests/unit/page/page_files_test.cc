#include "orchestrate/page/page_files.h"

#include <gtest/gtest.h>

#include "common/json.h"
#include "mvn/error.h"

namespace mvn {
namespace {

TEST(PageFiles, NothingInJsonEndsTheScriptOrBeginsAnother) {
  const Json json = {{"a", "</script><script>alert(1)</script><!-- &amp; \xE2\x80\xA8\xE2\x80\xA9"},
                     {"<b>", "é €"}};
  const auto text = script_safe(json.dump());
  for (const auto* mark : {"<", ">", "&", "\xE2\x80\xA8", "\xE2\x80\xA9"}) {
    EXPECT_EQ(text.find(mark), std::string::npos) << mark;
  }
  EXPECT_EQ(parse_json(text, "text"), json);
}

TEST(PageFiles, IntegersThatADoubleDoesNotHoldAreTexts) {
  EXPECT_EQ(browser_json({{"seed", 9'007'199'254'740'993}, {"small", {7, -9'007'199'254'740'991}}}),
            R"({"seed":"9007199254740993","small":[7,-9007199254740991]})");
  EXPECT_EQ(browser_json(18'446'744'073'709'551'615U), R"("18446744073709551615")");
  EXPECT_EQ(browser_json({0.5, "text\xFF", nullptr}), "[0.5,\"text\xEF\xBF\xBD\",null]");
}

// base64(sha256("")) and of "abc", as browsers compute them.
TEST(PageFiles, HashesAreThoseOfAPolicy) {
  EXPECT_EQ(content_hash(""), "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
  EXPECT_EQ(content_hash("abc"), "'sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0='");
}

TEST(PageFiles, AreWholeAndFitIntoAScript) {
  EXPECT_TRUE(page_file("page.html").starts_with("<!doctype html>"));
  EXPECT_NE(page_file("plotly.js").find("plotly.js v4"), std::string_view::npos);
  for (const auto* name : {"page.js", "plotly.js"}) {
    EXPECT_GT(page_file(name).size(), 10'000U) << name;
    for (const auto* mark : {"</script", "<!--", "\r"}) {
      EXPECT_EQ(page_file(name).find(mark), std::string_view::npos) << name << mark;
    }
  }
  EXPECT_EQ(page_file("page.css").find("</style"), std::string_view::npos);
  EXPECT_THROW((void)page_file("passwd"), Error);
}

TEST(PageFiles, ThePageHoldsWhatIsPutIntoIt) {
  const auto html = page_html("<meta a>", "<script b></script>");
  EXPECT_LT(html.find("<meta a>"), html.find("</head>"));
  EXPECT_GT(html.find("<script b></script>"), html.find("</main>"));
}

}  // namespace
}  // namespace mvn
