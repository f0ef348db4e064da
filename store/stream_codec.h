// Declarations of streams: their rules, their one serialization, and what code needs of them.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "store/stream_info.h"
#include "tidemark/v1/stream.pb.h"

namespace tidemark::store {

inline constexpr int kChannelsMax = 64;

// Every rule that stream.proto states. INVALID_ARGUMENT with the message "<field>: <rule>", the
// field as a path within the declaration ("channels[2].unit").
absl::Status ValidateDeclaration(const v1::StreamDeclaration& declaration);

// Declarations that mean the same have the same bytes: fields are in order, a scale of 0 is written
// as the 1 it stands for, and empty messages are left out. Needs a valid declaration.
std::string SerializeDeclaration(const v1::StreamDeclaration& declaration);

// Fills what follows from the declaration: modality, kind, channels, stamped, period and the
// declaration itself. Needs a valid declaration.
void FillFromDeclaration(const v1::StreamDeclaration& declaration, StreamInfo& info);

// What chunks of a stream of this modality hold.
PayloadKind KindOf(v1::Modality modality);

}  // namespace tidemark::store
