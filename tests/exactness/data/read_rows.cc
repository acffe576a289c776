// What mvn reads of a data set, for comparison with pandas, datasets and tokenizers.
//   read_rows < PARAMETERS.json                        the training rows, JSON Lines
//   read_rows TOKENIZER MAX_LENGTH SIDE < PARAMETERS   the token ids of training pairs
// The parameters are those of `task:` in a sweep.
#include <iostream>
#include <iterator>

#include "common/json.h"
#include "dataset.h"
#include "mvn/error.h"
#include "pairs.h"
#include "rows.h"
#include "train/tokenizers/load.h"

namespace {

mvn::Params parameters(std::istream& in) {
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto values = mvn::to_value(mvn::parse_json(text, "parameters"));
  return {"task", mvn::dataset_params(), values.as_map()};
}

void print_rows(const mvn::Params& params) {
  for (const auto& row : mvn::read_rows(params, "train").rows) {
    mvn::Json json = {{"text", row.text}, {"label", row.label}};
    if (row.second) {
      json["text"] = {row.text.substr(0, *row.second - 1), row.text.substr(*row.second)};
    }
    std::cout << json.dump() << '\n';
  }
}

void print_pairs(const mvn::Params& params, char** arguments) {
  const auto tokenizer = mvn::load_tokenizer(arguments[1], "tokenizer");
  const auto texts = mvn::read_dataset(params).train.texts;
  const auto tokens = mvn::tokenise_pairs(
      *tokenizer, texts, {.max_length = std::stol(arguments[2]), .truncation = arguments[3]});
  for (std::int64_t i = 0; i < tokens.size(); ++i) {
    std::cout << mvn::Json(std::vector<std::int32_t>(tokens[i].begin(), tokens[i].end())).dump()
              << '\n';
  }
}

}  // namespace

int main(int count, char** arguments) {
  try {
    const auto params = parameters(std::cin);
    if (count == 4) {
      print_pairs(params, arguments);
    } else {
      print_rows(params);
    }
  } catch (const mvn::Error& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
  return std::cout.good() ? 0 : 1;
}
