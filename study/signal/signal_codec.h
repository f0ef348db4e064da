// Requests and answers of SignalService as the store's types.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/ids.h"
#include "store/signal_reader.h"
#include "tidemark/v1/signal.pb.h"

namespace tidemark::study {

// One query per stream, in the order asked for. FieldError on a broken rule.
absl::StatusOr<std::vector<store::SampleQuery>> DecodeReadSamples(
    ParticipantId participant, const v1::ReadSamplesRequest& request);
absl::StatusOr<store::OverviewQuery> DecodeGetOverview(ParticipantId participant,
                                                       const v1::GetOverviewRequest& request);
absl::StatusOr<store::CoverageQuery> DecodeGetCoverage(ParticipantId participant,
                                                       const v1::GetCoverageRequest& request);

// `cursor` is that of a page token; empty for the first page.
absl::StatusOr<store::VerifyQuery> DecodeVerifyStored(ParticipantId participant,
                                                      const v1::VerifyStoredRequest& request,
                                                      std::string_view cursor);

void EncodeStream(const store::StreamInfo& stream, v1::Stream* to);
void EncodePlacement(const store::Placement& placement, v1::ClockPlacement* to);
void EncodeBlock(const store::ReadBlock& block, v1::SampleBlock* to);
void EncodeUnreadable(const store::UnreadableChunks& chunks, v1::UnreadableChunks* to);
void EncodeOverview(const store::SignalOverview& overview, v1::GetOverviewResponse* to);
void EncodeCoverage(const store::StreamCoverage& coverage, v1::StreamCoverage* to);
void EncodeVerified(const store::VerifiedPage& page, v1::VerifyStoredResponse* to);
// As the cursor of a page token.
std::string EncodePosition(const store::VerifyPosition& position);

// The store names a broken field as "<field>: <rule>"; as an error of the API it gets its details.
absl::Status AsFieldError(absl::Status status);

}  // namespace tidemark::study
