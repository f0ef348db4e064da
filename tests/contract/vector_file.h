// Golden vectors as JSON files: hexadecimal bytes, and messages in the JSON form of protobuf.
#pragma once

#include <google/protobuf/message.h>

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace tidemark::contract {

// Keeps the order of its keys, so that a rewritten file differs only where its content does.
using Json = nlohmann::ordered_json;

// The JSON form of a message, with the field names of the .proto file.
Json ToJson(const google::protobuf::Message& message);
// Fills `message` from that form; ends the process when it does not fit.
void FromJson(const Json& json, google::protobuf::Message& message);

// A member that holds hexadecimal bytes; ends the process when there is none.
std::string BytesOf(const Json& json, std::string_view member);

// Ends the process when the file cannot be read or is no JSON.
Json ReadVectorFile(const std::string& path);
void WriteVectorFile(const std::string& path, const Json& json);

}  // namespace tidemark::contract
