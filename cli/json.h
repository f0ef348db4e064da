// JSON that commands print, put together value by value.
//
// Stands before nlohmann/json.hpp, which would cost every command seconds to compile.
#pragma once

#include <google/protobuf/message.h>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::cli {

// One value. Made from what C++ has for it, so that members can be written down as they are.
class Json {
 public:
  Json(std::nullptr_t);                          // NOLINT(google-explicit-constructor)
  Json(bool value);                              // NOLINT(google-explicit-constructor)
  Json(double value);                            // NOLINT(google-explicit-constructor): NaN is null
  Json(std::string value);                       // NOLINT(google-explicit-constructor)
  Json(const char* value);                       // NOLINT(google-explicit-constructor)
  Json(const std::vector<std::string>& values);  // NOLINT(google-explicit-constructor)
  template <std::signed_integral Number>
  Json(Number value) : Json(FromSigned(value)) {}  // NOLINT(google-explicit-constructor)
  template <std::unsigned_integral Number>
  Json(Number value) : Json(FromUnsigned(value)) {}  // NOLINT(google-explicit-constructor)

  // Members keep their order.
  static Json Object(std::initializer_list<std::pair<std::string, Json>> members = {});
  static Json Array();

  ~Json();
  Json(const Json& other);
  Json(Json&& other) noexcept;
  Json& operator=(Json other) noexcept;

  // Of an object: adds the member or replaces its value.
  void Set(const std::string& name, Json value);
  // Of an object: the member, null if there is none.
  Json Member(const std::string& name) const;
  // Of an array.
  void Append(Json value);

  std::string OneLine() const;
  std::string Indented() const;

 private:
  friend Json ToJson(const google::protobuf::Message& message);
  explicit Json(nlohmann::ordered_json&& value);
  static Json FromSigned(int64_t value);
  static Json FromUnsigned(uint64_t value);

  std::unique_ptr<nlohmann::ordered_json> value_;
};

// JSON as protobuf defines it, with the names of the .proto files and every field present.
Json ToJson(const google::protobuf::Message& message);

}  // namespace tidemark::cli
