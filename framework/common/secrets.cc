#include "common/secrets.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace mvn {
namespace {

// "openaiApiKey" and "--OPENAI-API-KEY" are openai_api_key.
std::string plain_name(std::string_view name) {
  name = name.substr(name.rfind('.') + 1);
  while (name.starts_with('-')) name.remove_prefix(1);
  std::string plain;
  bool small = false;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isupper(byte) != 0 && small) plain += '_';
    small = std::islower(byte) != 0;
    plain += c == '-' ? '_' : static_cast<char>(std::tolower(byte));
  }
  return plain;
}

// Whether `name` is `word` or ends with it as a word of its own.
bool ends_in(std::string_view name, std::string_view word) {
  if (!name.ends_with(word)) return false;
  return name.size() == word.size() || name[name.size() - word.size() - 1] == '_';
}

// "eos_token" is a language model's word: of what ends in "token" only what is known to be a key.
bool is_token_name(std::string_view name) {
  static constexpr std::array kOwners = {
      "auth",   "access", "api",     "hf",      "hub",    "huggingface", "wandb", "github",
      "gitlab", "bearer", "refresh", "session", "secret", "user",        "login", "private",
      "id",     "bot",    "slack",   "neptune", "comet",  "openai",      "aws",   "app"};
  if (name == "token") return true;
  if (!ends_in(name, "token")) return false;
  const auto owner = name.substr(0, name.size() - std::string_view("_token").size());
  return std::ranges::any_of(kOwners, [&](std::string_view each) { return ends_in(owner, each); });
}

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

bool is_quote(char c) { return c == '"' || c == '\''; }

// Where the value that begins at `begin` ends.
std::size_t end_of_value(std::string_view text, std::size_t begin) {
  if (is_quote(text[begin])) {
    const auto end = text.find_first_of(std::string{text[begin], '\n'}, begin + 1);
    return end == std::string_view::npos ? text.size() : end;
  }
  const auto end = text.find_first_of(" \t\r\n,;&)]}\"'", begin);
  return end == std::string_view::npos ? text.size() : end;
}

// Where the value begins that the '=' or ':' at `at` gives to a name; npos where it is none.
std::size_t begin_of_value(std::string_view text, std::size_t at) {
  const auto begin = text.find_first_not_of(" \t", at + 1);
  if (begin == std::string_view::npos || text[begin] == '\n' || text[begin] == '\r') {
    return std::string_view::npos;
  }
  const bool operation = text[begin] == '=' || text[begin] == ':';
  const bool structure = text[begin] == '{' || text[begin] == '[' || text[begin] == '$';
  return operation || structure ? std::string_view::npos : begin;
}

// The words of a command, also where it is written as a list: masks the one after --token.
std::string without_secret_options(std::string_view text) {
  std::string result;
  std::size_t copied = 0;
  for (std::size_t at = text.find("--"); at != std::string_view::npos;
       at = text.find("--", at + 2)) {
    auto end = at + 2;
    while (end < text.size() && is_name_character(text[end])) ++end;
    if (at < copied || !is_secret_name(text.substr(at, end - at))) continue;
    auto begin = text.find_first_not_of(" \t,\"'", end);
    if (begin == std::string_view::npos) break;
    const bool ends_line = text[begin] == '\n' || text[begin] == '\r';
    if ((begin == end && !ends_line) || text[begin] == '=') continue;
    const auto item = text.find_first_not_of(" \t\r\n", begin);
    if (item == std::string_view::npos) break;
    if (item != begin && text.substr(item).starts_with("- ")) {
      begin = text.find_first_not_of(" \t\"'", item + 2);
    }
    if (begin == std::string_view::npos) break;
    if (std::string_view("-\n\r])").find(text[begin]) != std::string_view::npos) continue;
    result.append(text.substr(copied, begin - copied)).append(kMasked);
    copied = end_of_value(text, begin);
  }
  return result.append(text.substr(copied));
}

// The name that ends before `at`, without its quotes and the spaces behind it.
std::string_view name_before(std::string_view text, std::size_t at) {
  while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t')) --at;
  if (at > 0 && is_quote(text[at - 1])) --at;
  auto begin = at;
  while (begin > 0 && is_name_character(text[begin - 1])) --begin;
  return text.substr(begin, at - begin);
}

bool is_maskable(const Json& value) { return value.is_string() || value.is_number(); }

}  // namespace

bool is_secret_name(std::string_view name) {
  static constexpr std::array kWords = {
      "api_key",   "apikey",   "access_key",    "secret_key",  "private_key",    "secret",
      "password",  "passwd",   "passphrase",    "credential",  "credentials",    "secrets",
      "passwords", "auth_key", "authorization", "account_key", "encryption_key", "access_key_id"};
  const std::string plain = plain_name(name);
  return is_token_name(plain) ||
         std::ranges::any_of(kWords, [&](std::string_view word) { return ends_in(plain, word); });
}

Json without_secrets(Json value) {
  if (value.is_object()) {
    for (auto& [key, item] : value.items()) {
      item = is_secret_name(key) && is_maskable(item) ? Json(kMasked)
                                                      : without_secrets(std::move(item));
    }
  } else if (value.is_array()) {
    const bool words =
        std::ranges::all_of(value, [](const Json& each) { return each.is_string(); });
    if (words) {
      auto texts = value.get<std::vector<std::string>>();
      mask_words(texts);
      return texts;
    }
    for (auto& item : value) item = without_secrets(std::move(item));
  }
  return value;
}

std::string masked_name(const Json& value) {
  if (!value.is_structured()) return "";
  for (const auto& [key, item] : value.items()) {
    if (item.is_string()) {
      const auto& text = item.get_ref<const std::string&>();
      if (text == kMasked || (value.is_array() && text.ends_with("=" + std::string(kMasked)))) {
        return key;
      }
    }
    if (const auto inner = masked_name(item); !inner.empty()) return key + "." + inner;
  }
  return "";
}

void mask_words(std::vector<std::string>& words) {
  bool next = false;  // the word before was --token
  for (auto& word : words) {
    if (next && !word.starts_with('-')) word = kMasked;
    const auto equals = word.find('=');
    const bool secret = is_secret_name(std::string_view(word).substr(0, equals));
    next = secret && equals == std::string::npos && word.starts_with('-');
    if (secret && equals != std::string::npos)
      word = word.substr(0, equals + 1) + std::string(kMasked);
  }
}

std::string text_without_secrets(std::string_view whole) {
  const std::string text_of_options = without_secret_options(whole);
  const std::string_view text = text_of_options;
  std::string result;
  std::size_t copied = 0;
  for (std::size_t at = text.find_first_of("=:"); at != std::string_view::npos;
       at = text.find_first_of("=:", at + 1)) {
    if (at < copied || !is_secret_name(name_before(text, at))) continue;
    auto begin = begin_of_value(text, at);
    if (begin == std::string_view::npos) continue;
    const auto end = end_of_value(text, begin);
    if (is_quote(text[begin])) ++begin;
    result.append(text.substr(copied, begin - copied)).append(kMasked);
    copied = end;
  }
  return result.append(text.substr(copied));
}

}  // namespace mvn
