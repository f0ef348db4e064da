#include "cli/json.h"

#include <google/protobuf/util/json_util.h>

#include <nlohmann/json.hpp>

namespace tidemark::cli {
namespace {

using Value = nlohmann::ordered_json;

// Text from elsewhere need not be UTF-8.
constexpr auto kReplaceBadText = Value::error_handler_t::replace;

}  // namespace

Json::Json(std::nullptr_t) : Json(Value(nullptr)) {}
Json::Json(bool value) : Json(Value(value)) {}
Json::Json(double value) : Json(Value(value)) {}
Json::Json(std::string value) : Json(Value(std::move(value))) {}
Json::Json(const char* value) : Json(Value(value)) {}
Json::Json(const std::vector<std::string>& values) : Json(Value(values)) {}
Json::Json(Value&& value) : value_(std::make_unique<Value>(std::move(value))) {}
Json Json::FromSigned(int64_t value) { return Json(Value(value)); }
Json Json::FromUnsigned(uint64_t value) { return Json(Value(value)); }

Json::~Json() = default;
Json::Json(const Json& other) : value_(std::make_unique<Value>(*other.value_)) {}
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(Json other) noexcept {
  value_ = std::move(other.value_);
  return *this;
}

Json Json::Object(std::initializer_list<std::pair<std::string, Json>> members) {
  Json object(Value::object());
  for (const auto& [name, value] : members) object.Set(name, value);
  return object;
}

Json Json::Array() { return Json(Value::array()); }

void Json::Set(const std::string& name, Json value) { (*value_)[name] = std::move(*value.value_); }

Json Json::Member(const std::string& name) const { return Json(value_->value(name, Value())); }

void Json::Append(Json value) { value_->push_back(std::move(*value.value_)); }

std::string Json::OneLine() const { return value_->dump(-1, ' ', false, kReplaceBadText); }

std::string Json::Indented() const { return value_->dump(2, ' ', false, kReplaceBadText); }

Json ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  // Only texts that are not UTF-8 or times out of range cannot be printed.
  if (!status.ok()) return Json::Object({{"unprintable", std::string(status.message())}});
  return Json(Value::parse(text));
}

}  // namespace tidemark::cli
