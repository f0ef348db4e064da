#include "tests/contract/vector_file.h"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/base64.h"

namespace tidemark::contract {
namespace {

[[noreturn]] void Fail(const std::string& what) {
  fmt::print(stderr, "golden vectors: {}\n", what);
  std::exit(1);
}

}  // namespace

Json ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!status.ok()) Fail(status.ToString());
  return Json::parse(text);
}

void FromJson(const Json& json, google::protobuf::Message& message) {
  const auto status = google::protobuf::util::JsonStringToMessage(json.dump(), &message);
  if (!status.ok()) Fail(status.ToString());
}

std::string BytesOf(const Json& json, std::string_view member) {
  const auto found = json.find(std::string(member));
  if (found == json.end()) Fail(fmt::format("there is no \"{}\"", member));
  const absl::StatusOr<std::string> bytes = HexDecode(found->get<std::string>());
  if (!bytes.ok()) Fail(fmt::format("\"{}\": {}", member, bytes.status().ToString()));
  return *bytes;
}

Json ReadVectorFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) Fail("cannot read " + path);
  return Json::parse(file);
}

void WriteVectorFile(const std::string& path, const Json& json) {
  std::ofstream file(path);
  file << json.dump(1) << '\n';
  file.close();
  if (!file) Fail("cannot write " + path);
}

}  // namespace tidemark::contract
