// How stored data that cannot be read is called.
#pragma once

#include <string>
#include <string_view>

#include "tidemark/v1/signal.pb.h"

namespace tidemark::cli {

// "erased", "damaged", "quarantined".
std::string_view UnreadableWord(v1::UnreadableReason reason);

// One line: reason, chunks, how much, and when; `placement` may be null.
std::string UnreadableLine(const v1::UnreadableChunks& chunks, const v1::ClockPlacement* placement);

// What is unreadable of a stream's picture or coverage, in one line; empty if nothing is.
std::string UnreadableNote(std::string_view stream,
                           const google::protobuf::RepeatedPtrField<v1::UnreadableRange>& ranges);

}  // namespace tidemark::cli
