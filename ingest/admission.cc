#include "ingest/admission.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/status_macros.h"
#include "ingest/body_reader.h"
#include "ingest/consent_check.h"
#include "ingest/envelope_codec.h"
#include "ingest/payload.h"

namespace tidemark::ingest {
namespace {

constexpr uint32_t kBodyVersion = 1;
// What a refusal repeats of a malformed hash: enough to find the envelope, never a megabyte.
constexpr size_t kEchoedHashBytesMax = 64;

Verdict VerdictOf(v1::ReceiptReason broken) {
  const bool damaged =
      broken == v1::RECEIPT_REASON_SIZE_MISMATCH || broken == v1::RECEIPT_REASON_HASH_MISMATCH;
  return damaged ? Verdict::Damaged(broken) : Verdict::KeepAndReport(broken);
}

// The steps between "it names its chunk" and "its payload fits the stream".
class BodyCheck {
 public:
  BodyCheck(const Sender& sender, const BodyName& name, std::string_view raw)
      : sender_(sender), name_(name), raw_(raw) {}

  using What = decltype(Decision::what);
  absl::StatusOr<What> Run(AdmissionSource& source) {
    std::optional<What> answer = CheckForm();
    if (answer && std::holds_alternative<Verdict>(*answer)) return *std::move(answer);
    TM_ASSIGN_OR_RETURN(const FoundStream found,
                        source.FindStream(name_.key.stream_id, StreamVersion()));
    if (!answer) answer = CheckStream(found);
    // A body that is set aside is kept as well, so that it is judged as well.
    TM_ASSIGN_OR_RETURN(const ConsentCheck consent, ConsentCheck::Begin(source));
    if (auto objection = consent.JudgeKind(found.own.get())) return AsWhat(*objection);
    if (answer) return *std::move(answer);

    AdmittedChunk chunk;
    chunk.erased_ranges_known = consent.erased_ranges();
    FillRow(*found.info, chunk.row);
    if (auto broken = EncodePayload(*found.info, raw_, body_, chunk)) return *std::move(broken);
    TM_ASSIGN_OR_RETURN(const auto objection, consent.JudgeTime(*found.info, chunk.row));
    if (objection) return AsWhat(*objection);
    return chunk;
  }

 private:
  static What AsWhat(const ConsentCheck::Objection& objection) {
    return std::visit([](const auto& each) -> What { return each; }, objection);
  }

  // Nobody declares version 0: it stands for one that is too large to be declared.
  int32_t StreamVersion() const {
    constexpr uint32_t kMax = std::numeric_limits<int32_t>::max();
    return body_.stream_version() <= kMax ? static_cast<int32_t>(body_.stream_version()) : 0;
  }

  std::optional<What> CheckForm() {
    if (name_.version != kBodyVersion) {
      return SetAside{v1::RECEIPT_REASON_VERSION_UNKNOWN, "version is 1"};
    }
    if (!body_.ParseFromArray(raw_.data(), static_cast<int>(raw_.size()))) {
      return SetAside{v1::RECEIPT_REASON_BODY_UNREADABLE, "the payload does not parse"};
    }
    switch (UnderstandingOf(body_)) {
      case Understanding::kAll:
        break;
      case Understanding::kNotYetSupported:
        return Verdict::RetryAfter(v1::RECEIPT_REASON_NOT_YET_SUPPORTED, kNotYetSupportedRetryMs);
      case Understanding::kUnknown:
        return SetAside{v1::RECEIPT_REASON_VERSION_UNKNOWN, "a field or a value is unknown"};
    }
    if (body_.boot_id().size() != sizeof(Uuid)) {
      return SetAside{v1::RECEIPT_REASON_FIELD_RANGE, "boot_id has 16 bytes"};
    }
    if (body_.clock_id() >= kClockIdEnd) {
      return SetAside{v1::RECEIPT_REASON_FIELD_RANGE, "clock_id is below 65536"};
    }
    return std::nullopt;
  }

  // A stream of another device gets the answer of one that does not exist.
  std::optional<What> CheckStream(const FoundStream& found) const {
    if (found.own == nullptr) {
      return SetAside{v1::RECEIPT_REASON_STREAM_UNKNOWN, "this device declared no such stream"};
    }
    if (found.info == nullptr) {
      return SetAside{v1::RECEIPT_REASON_STREAM_VERSION_UNKNOWN,
                      "this version of the stream was not declared"};
    }
    return std::nullopt;
  }

  void FillRow(const store::StreamInfo& stream, store::ChunkRow& row) const {
    row.participant_id = sender_.participant_id;
    row.study_id = sender_.study_id;
    row.device_id = sender_.device_id;
    row.stream_id = name_.key.stream_id;
    row.writer_id = name_.key.writer_id;
    row.number = name_.key.number;
    row.stream_version = stream.version;
    row.boot_id = *BootId::FromBytes(body_.boot_id());
    row.clock_id = static_cast<int32_t>(body_.clock_id());
    row.body_bytes = static_cast<int32_t>(raw_.size());
  }

  const Sender& sender_;
  const BodyName& name_;
  const std::string_view raw_;
  v1::ChunkBody body_;
};

}  // namespace

absl::StatusOr<Decision> Admit(const Sender& sender, v1::ChunkEnvelope envelope,
                               AdmissionSource& source) {
  OpenedBody opened = OpenBody(envelope);
  if (opened.broken) {
    return Decision{envelope.sha256().substr(0, kEchoedHashBytesMax), std::nullopt, "",
                    VerdictOf(*opened.broken)};
  }
  return AdmitBody(sender, std::move(opened.body), std::move(*envelope.mutable_sha256()), source);
}

absl::StatusOr<Decision> AdmitBody(const Sender& sender, std::string body, std::string sha256,
                                   AdmissionSource& source) {
  const std::optional<BodyName> name = ReadBodyName(body);
  if (!name) {
    return Decision{std::move(sha256), std::nullopt, "",
                    Verdict::KeepAndReport(v1::RECEIPT_REASON_BODY_UNREADABLE)};
  }
  TM_ASSIGN_OR_RETURN(BodyCheck::What what, BodyCheck(sender, *name, body).Run(source));
  Decision decision{std::move(sha256), name->key, "", std::move(what)};
  if (auto* chunk = std::get_if<AdmittedChunk>(&decision.what)) {
    std::copy(decision.sha256.begin(), decision.sha256.end(), chunk->row.sha256.begin());
  }
  const bool is_kept = std::holds_alternative<SetAside>(decision.what) ||
                       std::holds_alternative<AdmittedChunk>(decision.what);
  if (is_kept) decision.body = std::move(body);
  return decision;
}

}  // namespace tidemark::ingest
