#include "cli/roster.h"

#include <fmt/format.h>
#include <google/protobuf/stubs/common.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>

#include "base/status_macros.h"
#include "cli/enum_words.h"
#include "cli/import/csv_reader.h"
#include "cli/time_option.h"

namespace tidemark::cli {
namespace {

using Setter = absl::Status (*)(v1::RosterEntry&, std::string_view);

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

absl::Status Rule(std::string_view rule) { return absl::InvalidArgumentError(std::string(rule)); }

absl::StatusOr<uint32_t> Number(std::string_view text) {
  uint32_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return Rule("is a whole number");
  }
  return value;
}

absl::Status SetConsent(v1::RosterEntry& entry, std::string_view text) {
  std::string kinds;
  for (const char c : text) {
    const bool is_separator = c == ' ' || c == ';' || c == ',';
    if (!is_separator) kinds += c;
    if (is_separator && !kinds.empty() && kinds.back() != ',') kinds += ',';
  }
  if (!kinds.empty() && kinds.back() == ',') kinds.pop_back();
  TM_ASSIGN_OR_RETURN(const auto parsed, ParseDataKinds("consent", kinds));
  for (const v1::DataKind kind : parsed) entry.add_consented(kind);
  return absl::OkStatus();
}

template <void (v1::Attributes::*set)(uint32_t)>
absl::Status SetNumber(v1::RosterEntry& entry, std::string_view text) {
  TM_ASSIGN_OR_RETURN(const uint32_t value, Number(text));
  (entry.mutable_attributes()->*set)(value);
  return absl::OkStatus();
}

absl::Status SetSex(v1::RosterEntry& entry, std::string_view text) {
  TM_ASSIGN_OR_RETURN(const v1::Sex sex, ParseWord<v1::Sex>("sex", text));
  entry.mutable_attributes()->set_sex(sex);
  return absl::OkStatus();
}

absl::Status SetHandedness(v1::RosterEntry& entry, std::string_view text) {
  TM_ASSIGN_OR_RETURN(const v1::Handedness hand, ParseWord<v1::Handedness>("handedness", text));
  entry.mutable_attributes()->set_handedness(hand);
  return absl::OkStatus();
}

const std::map<std::string_view, Setter>& Columns() {
  using A = v1::Attributes;
  static const auto* const columns = new std::map<std::string_view, Setter>{
      {"code",
       [](v1::RosterEntry& entry, std::string_view text) {
         entry.set_code(std::string(text));
         return absl::OkStatus();
       }},
      {"document",
       [](v1::RosterEntry& entry, std::string_view text) {
         entry.set_document(std::string(text));
         return absl::OkStatus();
       }},
      {"consent", SetConsent},
      {"consent_from",
       [](v1::RosterEntry& entry, std::string_view text) -> absl::Status {
         const auto from_ns = ParseInstant("consent_from", std::string(text));
         if (!from_ns.ok()) return Rule("is an instant, such as 2026-11-22T09:00:00Z");
         entry.set_consented_from_ns(*from_ns);
         return absl::OkStatus();
       }},
      {"sex", SetSex},
      {"handedness", SetHandedness},
      {"age_from", SetNumber<&A::set_age_from>},
      {"age_to", SetNumber<&A::set_age_to>},
      {"skin_tone_monk", SetNumber<&A::set_skin_tone_monk>},
      {"skin_type_fitzpatrick", SetNumber<&A::set_skin_type_fitzpatrick>},
      {"height_cm", SetNumber<&A::set_height_cm>},
      {"wrist_mm", SetNumber<&A::set_wrist_mm>}};
  return *columns;
}

struct Column {
  std::string name;
  Setter set;
};

absl::StatusOr<std::vector<Column>> ReadHeading(CsvReader& reader) {
  std::vector<std::string_view> fields;
  TM_ASSIGN_OR_RETURN(const bool any, reader.Next(fields));
  if (!any) return Rule("the roster is empty: its first line names the columns");
  std::vector<Column> columns;
  for (const std::string_view field : fields) {
    const std::string_view name = Trim(field);
    const auto known = Columns().find(name);
    if (known == Columns().end()) return reader.Error(name, "is no column of a roster");
    const bool is_twice = std::any_of(columns.begin(), columns.end(),
                                      [&](const Column& column) { return column.name == name; });
    if (is_twice) return reader.Error(name, "stands once in the heading");
    columns.push_back({std::string(name), known->second});
  }
  const bool has_code = std::any_of(columns.begin(), columns.end(),
                                    [](const Column& column) { return column.name == "code"; });
  if (!has_code) return reader.Error("code", "is missing in the heading");
  return columns;
}

absl::StatusOr<v1::RosterEntry> ReadEntry(const CsvReader& reader,
                                          const std::vector<Column>& columns,
                                          const std::vector<std::string_view>& fields) {
  v1::RosterEntry entry;
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string_view text = Trim(fields[i]);
    if (text.empty()) continue;
    if (!google::protobuf::internal::IsStructurallyValidUTF8(text.data(),
                                                             static_cast<int>(text.size()))) {
      return reader.Error(columns[i].name, "is no UTF-8 text: save the roster as UTF-8");
    }
    const absl::Status set = columns[i].set(entry, text);
    if (!set.ok()) return reader.Error(columns[i].name, std::string(set.message()));
  }
  if (entry.code().empty()) return reader.Error("code", "is missing");
  return entry;
}

}  // namespace

absl::StatusOr<std::vector<v1::RosterEntry>> ReadRoster(const std::string& path) {
  TM_ASSIGN_OR_RETURN(CsvReader reader, CsvReader::Open(path));
  TM_ASSIGN_OR_RETURN(const std::vector<Column> columns, ReadHeading(reader));
  std::vector<v1::RosterEntry> entries;
  std::map<std::string, size_t> line_of_code;
  std::vector<std::string_view> fields;
  for (;;) {
    TM_ASSIGN_OR_RETURN(const bool any, reader.NextRow(columns.size(), fields));
    if (!any) return entries;
    if (entries.size() == kRosterLinesMax) return reader.Error("a roster has too many lines");
    TM_ASSIGN_OR_RETURN(v1::RosterEntry entry, ReadEntry(reader, columns, fields));
    const auto [found, is_new] = line_of_code.emplace(entry.code(), reader.line());
    if (!is_new) {
      return reader.Error("code", fmt::format("stands in line {} already", found->second));
    }
    entries.push_back(std::move(entry));
  }
}

}  // namespace tidemark::cli
