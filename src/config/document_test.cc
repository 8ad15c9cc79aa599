#include "config/document.h"

#include <gtest/gtest.h>

namespace yonroku::config {
namespace {

std::string error_of(std::string_view text) {
  const auto document = Document::parse(text, "t");
  return document ? "" : document.error().to_string();
}

TEST(Document, KnowsItsPositions) {
  const auto document = Document::parse("a: 1\nb:\n  - x\n  - {k: v}\nc:\n", "t");
  ASSERT_TRUE(document);
  const Node& root = document->root();
  ASSERT_EQ(root.kind, Node::Kind::Mapping);
  EXPECT_EQ(root.find("a")->position, (Position{1, 4}));
  ASSERT_EQ(root.find("b")->children.size(), 2u);
  EXPECT_EQ(root.find("b")->children[1]->find("k")->position, (Position{4, 9}));
  EXPECT_EQ(root.find("c")->kind, Node::Kind::Null);
  EXPECT_EQ(root.find("c")->position, (Position{5, 1}));  // where the key is
  EXPECT_EQ(root.find("d"), nullptr);
}

TEST(Document, TextsWithoutValuesAreNull) {
  for (const char* text : {"", "\n", "# c\n", "---\n"}) {
    const auto document = Document::parse(text, "t");
    ASSERT_TRUE(document) << text;
    EXPECT_EQ(document->root().kind, Node::Kind::Null) << text;
  }
}

TEST(Document, Utf8) {
  for (const char* good : {"a: \xc3\xa9", "a: \xe3\x81\x82", "a: \xf0\x9f\x98\x80",
                           "\xef\xbb\xbf"
                           "a: 1"})
    EXPECT_EQ(error_of(good), "") << good;
  for (const char* bad : {"a: \xff", "a: \xc3", "a: \xc0\x80", "a: \xed\xa0\x80", "a: \xf5\x80\x80\x80",
                          "a: \xe0\x80\x80", "a: \xc3("})
    EXPECT_NE(error_of(bad).find("is not UTF-8"), std::string::npos) << bad;
  EXPECT_EQ(error_of("# \xc3\xa9\xc3\xa9 \xff"),
            "t:1:6: byte 0xff is not UTF-8; save the file as UTF-8, or keep to ASCII");
}

TEST(Document, TabsAreAllowedWhereTheyDoNoHarm) {
  EXPECT_EQ(error_of("a: 1\t# c\n\t# c\n\t\nb: 2\n"), "");
  EXPECT_EQ(error_of("a:\n \tb: 1\n"), "t:2:2: a tab in the indentation; indent with spaces only");
}

TEST(Document, DepthIsLimited) {
  EXPECT_EQ(error_of(std::string(32, '[') + std::string(32, ']')), "");
  EXPECT_NE(error_of(std::string(33, '[') + std::string(33, ']')).find("nested deeper than 32 levels"),
            std::string::npos);
  EXPECT_NE(error_of(std::string(100'000, '[')), "");
}

TEST(Document, AliasesShareTheirNode) {
  const auto document = Document::parse("a: &x [1, 2]\nb: *x\n", "t");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->root().find("a"), document->root().find("b"));
}

}  // namespace
}  // namespace yonroku::config
