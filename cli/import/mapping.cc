#include "cli/import/mapping.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/time/time.h"
#include "base/status_macros.h"
#include "cli/import/numbers.h"

namespace tidemark::cli {
namespace {

using nlohmann::json;

// One JSON object of the mapping. Reads keys, remembers which were read, and keeps the first thing
// that is wrong in a status shared by the whole file.
class Object {
 public:
  Object(const json& value, std::string place, absl::Status& status)
      : value_(value), place_(std::move(place)), status_(status) {
    if (!value_.is_object()) Fail("must be an object");
  }

  const std::string& place() const { return place_; }
  void Fail(std::string_view rule) const {
    if (status_.ok()) status_ = absl::InvalidArgumentError(fmt::format("{}: {}", place_, rule));
  }

  const json* Find(const std::string& key) {
    known_.insert(key);
    if (!value_.is_object()) return nullptr;
    const auto found = value_.find(key);
    return found == value_.end() ? nullptr : &*found;
  }

  std::string String(const std::string& key, const std::string& otherwise) {
    const json* value = Find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_string()) {
      Fail(fmt::format("\"{}\" must be a string", key));
      return otherwise;
    }
    return value->get<std::string>();
  }
  std::string NeededString(const std::string& key) {
    std::string text = String(key, "");
    if (text.empty()) Fail(fmt::format("\"{}\" is missing or empty", key));
    return text;
  }
  double Number(const std::string& key, double otherwise) {
    const json* value = Find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_number() || !std::isfinite(value->get<double>())) {
      Fail(fmt::format("\"{}\" must be a finite number", key));
      return otherwise;
    }
    return value->get<double>();
  }
  bool Flag(const std::string& key) {
    const json* value = Find(key);
    if (value == nullptr) return false;
    if (!value->is_boolean()) {
      Fail(fmt::format("\"{}\" must be true or false", key));
      return false;
    }
    return value->get<bool>();
  }
  char Character(const std::string& key, char otherwise) {
    const std::string text = String(key, std::string(1, otherwise));
    if (text.size() == 1 && text[0] != '"' && text[0] != '\n' && text[0] != '\r') return text[0];
    Fail(fmt::format("\"{}\" must be one ASCII character", key));
    return otherwise;
  }
  std::vector<std::string> Strings(const std::string& key, std::vector<std::string> otherwise) {
    const json* value = Find(key);
    if (value == nullptr) return otherwise;
    std::vector<std::string> texts;
    for (const json& item : Items(key, *value)) {
      if (item.is_string()) {
        texts.push_back(item.get<std::string>());
      } else {
        Fail(fmt::format("\"{}\" must hold strings", key));
      }
    }
    return texts;
  }
  // Calls `read` with each object of the list `key`, which must not be empty.
  template <class Read>
  void Objects(const std::string& key, Read read) {
    const json* value = Find(key);
    const json list = value == nullptr ? json::array() : Items(key, *value);
    if (list.empty()) Fail(fmt::format("\"{}\" must be a list that is not empty", key));
    for (size_t i = 0; i < list.size(); ++i) {
      Object item(list[i], fmt::format("{}.{}[{}]", place_, key, i), status_);
      read(item);
      item.Finish();
    }
  }
  // Calls `read` with the object `key` if there is one.
  template <class Read>
  void Nested(const std::string& key, Read read) {
    const json* value = Find(key);
    if (value == nullptr) return;
    Object item(*value, fmt::format("{}.{}", place_, key), status_);
    read(item);
    item.Finish();
  }

  // A key that nobody asked for is a mistake in the file.
  void Finish() const {
    if (!value_.is_object()) return;
    for (const auto& [key, unused] : value_.items()) {
      if (!known_.contains(key)) Fail(fmt::format("unknown key \"{}\"", key));
    }
  }

 private:
  json Items(const std::string& key, const json& value) const {
    if (value.is_array()) return value;
    Fail(fmt::format("\"{}\" must be a list", key));
    return json::array();
  }

  const json& value_;
  std::string place_;
  absl::Status& status_;
  std::set<std::string> known_;
};

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

v1::Modality ReadModality(Object& object) {
  const std::string name = object.NeededString("modality");
  v1::Modality modality = v1::MODALITY_UNSPECIFIED;
  const bool known = v1::Modality_Parse("MODALITY_" + Upper(name), &modality);
  const bool sampled = modality > v1::MODALITY_UNSPECIFIED && modality <= v1::MODALITY_OTHER;
  if (!known || !sampled) object.Fail(fmt::format("\"{}\" is no modality of samples", name));
  return modality;
}

void ReadChannel(Object& object, MappedStream& stream) {
  stream.columns.push_back(object.NeededString("column"));
  v1::Channel& channel = *stream.declaration.add_channels();
  channel.set_name(object.String("name", stream.columns.back()));
  channel.set_unit(object.NeededString("unit"));
  const std::string type = object.String("type", "float64");
  v1::ChannelType number = v1::CHANNEL_TYPE_UNSPECIFIED;
  if (!v1::ChannelType_Parse("CHANNEL_TYPE_" + Upper(type), &number) ||
      number == v1::CHANNEL_TYPE_UNSPECIFIED) {
    object.Fail(fmt::format("type \"{}\" is none of int16, int32, float32, float64", type));
  }
  channel.set_type(number);
  channel.set_scale(object.Number("scale", 1));
  if (channel.scale() == 0) object.Fail("\"scale\" must not be 0");
  channel.set_offset(object.Number("offset", 0));
}

void ReadFrame(Object& object, v1::AxisFrame& frame) {
  frame.set_axes(object.String("axes", ""));
  const std::string sign = object.String("rest_sign", "");
  if (sign == "+g") {
    frame.set_rest_sign(v1::REST_SIGN_PLUS_G);
  } else if (sign == "-g") {
    frame.set_rest_sign(v1::REST_SIGN_MINUS_G);
  } else if (!sign.empty()) {
    object.Fail("\"rest_sign\" must be \"+g\" or \"-g\"");
  }
  frame.set_quaternion_order(object.String("quaternion_order", ""));
  frame.set_reference_frame(object.String("reference_frame", ""));
}

void ReadPlacement(Object& object, v1::Placement& placement) {
  placement.set_body_site(object.String("body_site", ""));
  placement.set_side(object.String("side", ""));
  placement.set_crown_side(object.String("crown_side", ""));
}

// "100" or "1/60", in hertz.
void ReadRate(Object& object, v1::StreamDeclaration& declaration) {
  const std::string text = object.String("rate", "");
  if (text.empty()) return;
  const size_t slash = text.find('/');
  const auto numerator = ParseNumber<uint32_t>(std::string_view(text).substr(0, slash));
  const auto denominator = slash == std::string::npos
                               ? std::optional<uint32_t>(1)
                               : ParseNumber<uint32_t>(std::string_view(text).substr(slash + 1));
  if (!numerator || !denominator || *numerator == 0 || *denominator == 0) {
    object.Fail("\"rate\" must be whole hertz or a fraction, such as \"100\" or \"1/60\"");
    return;
  }
  declaration.mutable_nominal_rate()->set_numerator(*numerator);
  declaration.mutable_nominal_rate()->set_denominator(*denominator);
}

void ReadStream(Object& object, Mapping& mapping) {
  MappedStream& stream = mapping.streams.emplace_back();
  stream.name = object.NeededString("name");
  stream.declaration.set_modality(ReadModality(object));
  stream.declaration.set_stamped(true);
  stream.skip_missing_rows = object.Flag("skip_missing_rows");
  object.Objects("channels", [&](Object& channel) { ReadChannel(channel, stream); });
  ReadRate(object, stream.declaration);
  object.Nested("frame",
                [&](Object& frame) { ReadFrame(frame, *stream.declaration.mutable_frame()); });
  object.Nested("placement", [&](Object& placement) {
    ReadPlacement(placement, *stream.declaration.mutable_placement());
  });
}

void ReadTime(Object& object, Mapping& mapping) {
  mapping.time_column = object.NeededString("column");
  const std::string unit = object.NeededString("unit");
  const std::vector<std::pair<std::string_view, int>> digits = {
      {"s", 9}, {"ms", 6}, {"us", 3}, {"ns", 0}};
  const auto found =
      std::find_if(digits.begin(), digits.end(), [&](const auto& d) { return d.first == unit; });
  if (found == digits.end()) {
    object.Fail("\"unit\" must be s, ms, us or ns");
  } else {
    mapping.time_digits = found->second;
  }
  const std::string origin = object.String("origin", "epoch");
  if (origin == "epoch") return;
  absl::Time start;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, origin, &start, &error) &&
      start > absl::FromUnixSeconds(-9'000'000'000) &&
      start < absl::FromUnixSeconds(9'000'000'000)) {
    mapping.time_origin_ns = absl::ToUnixNanos(start);
    return;
  }
  object.Fail("\"origin\" must be \"epoch\" or an instant such as 2026-01-31T09:00:00Z");
}

void ReadAll(Object& object, Mapping& mapping) {
  mapping.participant = object.NeededString("participant");
  mapping.device = object.NeededString("device");
  mapping.delimiter = object.Character("delimiter", mapping.delimiter);
  mapping.decimal_point = object.Character("decimal_point", mapping.decimal_point);
  if (mapping.decimal_point != '.' && mapping.decimal_point != ',') {
    object.Fail("\"decimal_point\" must be \".\" or \",\"");
  }
  if (mapping.decimal_point == mapping.delimiter) {
    object.Fail("\"delimiter\" and \"decimal_point\" must differ");
  }
  mapping.missing = object.Strings("missing", mapping.missing);
  mapping.labels = object.Strings("labels", {});
  bool has_time = false;
  object.Nested("time", [&](Object& time) {
    has_time = true;
    ReadTime(time, mapping);
  });
  if (!has_time) object.Fail("\"time\" is missing");
  object.Objects("streams", [&](Object& stream) { ReadStream(stream, mapping); });
  std::set<std::string> names;
  for (const MappedStream& stream : mapping.streams) {
    if (!names.insert(stream.name).second) {
      object.Fail(fmt::format("two streams are named \"{}\"", stream.name));
    }
  }
}

}  // namespace

bool Mapping::IsMissing(std::string_view cell) const {
  return std::find(missing.begin(), missing.end(), Trim(cell)) != missing.end();
}

absl::StatusOr<Mapping> ParseMapping(const std::string& text, const std::string& file) {
  json value;
  try {
    value = json::parse(text);
  } catch (const json::exception& error) {
    // Without the library's name of the error.
    std::string_view why = error.what();
    if (const size_t name = why.find("] "); name != why.npos) why.remove_prefix(name + 2);
    return absl::InvalidArgumentError(fmt::format("{}: is no JSON: {}", file, why));
  }
  Mapping mapping;
  absl::Status status;
  Object root(value, file, status);
  ReadAll(root, mapping);
  root.Finish();
  if (!status.ok()) return status;
  return mapping;
}

absl::StatusOr<Mapping> ReadMapping(const std::string& file) {
  constexpr size_t kBytesMax = 1 << 20;
  std::ifstream from(file, std::ios::binary);
  std::string text(kBytesMax + 1, '\0');
  from.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(from.gcount()));
  if (text.empty()) {
    return absl::NotFoundError(fmt::format("{}: cannot be read, or is empty", file));
  }
  if (text.size() > kBytesMax) {
    return absl::InvalidArgumentError(fmt::format("{}: is longer than 1 MiB", file));
  }
  return ParseMapping(text, file);
}

}  // namespace tidemark::cli
