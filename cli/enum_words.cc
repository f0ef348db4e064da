#include "cli/enum_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/status_macros.h"
#include "cli/exit_code.h"

namespace tidemark::cli {
namespace {

using google::protobuf::EnumDescriptor;

constexpr std::string_view kZeroSuffix = "UNSPECIFIED";

// What stands before UNSPECIFIED in the name of the value 0.
size_t PrefixSize(const EnumDescriptor& type) {
  const std::string& zero = type.value(0)->name();
  return zero.size() - std::min(zero.size(), kZeroSuffix.size());
}

std::string ToWord(std::string_view name) {
  std::string word(name);
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '_') c = '-';
  }
  return word;
}

}  // namespace

std::string WordOf(const EnumDescriptor& type, int value) {
  const auto* found = type.FindValueByNumber(value);
  if (found == nullptr) return std::to_string(value);
  return ToWord(std::string_view(found->name()).substr(PrefixSize(type)));
}

std::vector<std::string> WordsOf(const EnumDescriptor& type) {
  std::vector<std::string> words;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) words.push_back(WordOf(type, type.value(i)->number()));
  }
  return words;
}

absl::StatusOr<int> ParseWord(const EnumDescriptor& type, const std::string& option,
                              std::string_view word) {
  for (int i = 0; i < type.value_count(); ++i) {
    const int number = type.value(i)->number();
    if (number != 0 && WordOf(type, number) == word) return number;
  }
  return UsageError(
      fmt::format("{}: \"{}\" is none of {}", option, word, fmt::join(WordsOf(type), ", ")));
}

absl::StatusOr<std::vector<v1::DataKind>> ParseDataKinds(const std::string& option,
                                                         std::string_view text) {
  std::vector<v1::DataKind> kinds;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    TM_ASSIGN_OR_RETURN(const v1::DataKind kind,
                        ParseWord<v1::DataKind>(option, text.substr(0, comma)));
    kinds.push_back(kind);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return kinds;
}

}  // namespace tidemark::cli
