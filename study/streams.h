// Streams as devices declare them.
#pragma once

#include "absl/status/statusor.h"
#include "study/call.h"
#include "study/context.h"
#include "tidemark/v1/device.pb.h"

namespace tidemark::study {

inline constexpr int kStreamsPerDeviceMax = 1024;
inline constexpr uint32_t kStreamVersionsMax = 100'000;

// Thread-safe.
class Streams {
 public:
  explicit Streams(Context context) : context_(std::move(context)) {}

  //   INVALID_ARGUMENT     a field breaks its rule (proto/tidemark/v1/stream.proto)
  //   ALREADY_EXISTS       the version, the name or the id is declared otherwise
  //   FAILED_PRECONDITION  the version before it is missing, the kind of payload would change, or
  //                        the device has too many streams
  absl::StatusOr<v1::DeclareStreamResponse> Declare(const Call& call,
                                                    const v1::DeclareStreamRequest& request) const;
  absl::StatusOr<v1::ListStreamsResponse> List(const Call& call,
                                               const v1::ListStreamsRequest& request) const;

 private:
  const Context context_;
};

}  // namespace tidemark::study
