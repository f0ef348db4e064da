#include "ingest/admission_lookups.h"

#include <span>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace tidemark::ingest {
namespace {

constexpr absl::Duration kLookUpTime = absl::Seconds(5);
constexpr std::chrono::milliseconds kLookUpPauseFirst{5};

}  // namespace

// One submission's view: what it was told once it is not told otherwise.
class AdmissionLookups::Source final : public AdmissionSource {
 public:
  Source(AdmissionLookups* lookups, const Sender* sender) : lookups_(lookups), sender_(sender) {}

  absl::StatusOr<FoundStream> FindStream(StreamId stream, int32_t version) override {
    return lookups_->FindStream(*sender_, stream, version);
  }

  absl::StatusOr<std::shared_ptr<const store::ConsentTimeline>> FindConsent() override {
    if (consent_) return *consent_;
    std::shared_ptr<const store::ConsentTimeline> found;
    const absl::Time deadline = absl::Now() + kLookUpTime;
    TM_RETURN_IF_ERROR(lookups_->WhileLost(deadline, [&]() -> absl::Status {
      TM_ASSIGN_OR_RETURN(found, lookups_->parts_.consent->Find(sender_->participant_id, deadline));
      return absl::OkStatus();
    }));
    return consent_.emplace(std::move(found));
  }

  absl::StatusOr<std::optional<store::Placement>> FindPlacement(BootId boot,
                                                                uint32_t clock_id) override {
    const std::pair key{boot, clock_id};
    auto asked = placements_.find(key);
    if (asked == placements_.end()) {
      TM_ASSIGN_OR_RETURN(const std::optional<store::Placement> found,
                          lookups_->FindPlacement(*sender_, boot, clock_id));
      asked = placements_.emplace(key, found).first;
    }
    return asked->second;
  }

  absl::Time Now() const override { return lookups_->parts_.clock->Now(); }

 private:
  AdmissionLookups* const lookups_;
  const Sender* const sender_;
  std::optional<std::shared_ptr<const store::ConsentTimeline>> consent_;
  // Bounded by the chunks of a submission.
  std::map<std::pair<BootId, uint32_t>, std::optional<store::Placement>> placements_;
};

std::unique_ptr<AdmissionSource> AdmissionLookups::For(const Sender& sender) {
  return std::make_unique<Source>(this, &sender);
}

void AdmissionLookups::Prepare(const Sender& sender) {
  const absl::Time deadline = absl::Now() + kLookUpTime;
  absl::Status status = parts_.catalog->List(sender.participant_id, deadline).status();
  status.Update(parts_.consent->Find(sender.participant_id, deadline).status());
  if (!status.ok()) {
    LogDebug("ingest: streams and consent were not looked up ahead: {}",
             std::string(status.message()));
  }
}

absl::Status AdmissionLookups::WhileLost(absl::Time deadline,
                                         absl::FunctionRef<absl::Status()> ask) {
  for (std::chrono::milliseconds pause = kLookUpPauseFirst;; pause *= 2) {
    const absl::Status status = ask();
    const bool lost = absl::IsUnavailable(status) || absl::IsUnknown(status);
    if (!lost || absl::Now() + absl::FromChrono(pause) > deadline) return status;
    if (parts_.stop->WaitFor(pause)) return status;
  }
}

// Streams -----------------------------------------------------------------------------------------

absl::StatusOr<FoundStream> AdmissionLookups::FindStream(const Sender& sender, StreamId stream,
                                                         int32_t version) {
  const auto own = [&](const StreamInfoPtr& info) {
    return info->device_id == sender.device_id ? info : nullptr;
  };
  const absl::Time deadline = absl::Now() + kLookUpTime;
  bool known = false;
  absl::StatusOr<StreamInfoPtr> info = AskCatalog(sender, stream, version, deadline, &known);
  if (info.ok()) return FoundStream{*info, own(*info)};
  if (!absl::IsNotFound(info.status())) return info.status();
  if (!known) return FoundStream{};
  // The first version, which every stream has, tells whose it is.
  info = AskCatalog(sender, stream, 1, deadline, &known);
  if (!info.ok() && !absl::IsNotFound(info.status())) return info.status();
  return FoundStream{nullptr, info.ok() ? own(*info) : nullptr};
}

absl::StatusOr<AdmissionLookups::StreamInfoPtr> AdmissionLookups::AskCatalog(
    const Sender& sender, StreamId stream, int32_t version, absl::Time deadline, bool* known) {
  StreamInfoPtr found;
  TM_RETURN_IF_ERROR(WhileLost(deadline, [&]() -> absl::Status {
    TM_ASSIGN_OR_RETURN(
        found, parts_.catalog->Find(sender.participant_id, stream, version, deadline, known));
    return absl::OkStatus();
  }));
  return found;
}

// Placements --------------------------------------------------------------------------------------

size_t AdmissionLookups::ClockKeyHash::operator()(const ClockKey& key) const {
  return (std::hash<DeviceId>{}(key.device_id) * 31 + std::hash<BootId>{}(key.boot_id)) * 31 +
         key.clock_id;
}

absl::StatusOr<std::optional<store::Placement>> AdmissionLookups::FindPlacement(
    const Sender& sender, BootId boot, uint32_t clock_id) {
  const ClockKey key{sender.device_id, boot, clock_id};
  if (const auto known = placements_.FindFresh(key)) return std::optional(**known);
  if (parts_.placements == nullptr) return std::optional<store::Placement>();
  const store::DeviceClock clock{sender.device_id, boot, clock_id};
  const absl::Time asked = parts_.clock->Now();
  const absl::Time deadline = absl::Now() + kLookUpTime;
  std::vector<std::optional<store::Placement>> found;
  TM_RETURN_IF_ERROR(WhileLost(deadline, [&]() -> absl::Status {
    TM_ASSIGN_OR_RETURN(
        found, parts_.placements->For(sender.participant_id, std::span(&clock, 1), deadline));
    return absl::OkStatus();
  }));
  if (found.front()) {
    placements_.Put(key, std::make_shared<const store::Placement>(*found.front()), asked);
  }
  return found.front();
}

}  // namespace tidemark::ingest
