// Enum values as people type and read them: "ROLE_LABELER" is "labeler".
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/generated_enum_reflection.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tidemark/v1/authz.pb.h"

namespace tidemark::cli {

// Without the prefix that all values of the enum share, in lower case, '-' for '_'; a number that
// has no name stands as it is.
std::string WordOf(const google::protobuf::EnumDescriptor& type, int value);
// All words but that of the value 0.
std::vector<std::string> WordsOf(const google::protobuf::EnumDescriptor& type);
// USAGE naming `option` for a word that is none.
absl::StatusOr<int> ParseWord(const google::protobuf::EnumDescriptor& type,
                              const std::string& option, std::string_view word);

template <class Enum>
std::string WordOf(Enum value) {
  return WordOf(*google::protobuf::GetEnumDescriptor<Enum>(), static_cast<int>(value));
}
template <class Enum>
std::vector<std::string> WordsOf() {
  return WordsOf(*google::protobuf::GetEnumDescriptor<Enum>());
}
template <class Enum>
absl::StatusOr<Enum> ParseWord(const std::string& option, std::string_view word) {
  const auto value = ParseWord(*google::protobuf::GetEnumDescriptor<Enum>(), option, word);
  if (!value.ok()) return value.status();
  return static_cast<Enum>(*value);
}

// "motion,audio" as kinds of data; empty text for none.
absl::StatusOr<std::vector<v1::DataKind>> ParseDataKinds(const std::string& option,
                                                         std::string_view text);

}  // namespace tidemark::cli
