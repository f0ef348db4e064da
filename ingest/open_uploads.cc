#include "ingest/open_uploads.h"

#include <algorithm>
#include <utility>

#include "ingest/upload_stream.h"

namespace tidemark::ingest {

OpenUploads::Added OpenUploads::Add(DeviceId device, const std::shared_ptr<UploadStream>& stream) {
  MutexLock lock(mutex_);
  const auto of_device = [&](const Entry& entry) { return entry.device == device; };
  // Those that are gone are looked for only where they could be in the way.
  if (entries_.size() >= calls_max_ || std::count_if(entries_.begin(), entries_.end(), of_device) >=
                                           static_cast<ptrdiff_t>(kPerDeviceMax)) {
    ForgetGone();
  }
  Added added;
  if (std::count_if(entries_.begin(), entries_.end(), of_device) >=
      static_cast<ptrdiff_t>(kPerDeviceMax)) {
    const auto oldest = std::find_if(entries_.begin(), entries_.end(), of_device);
    added.displaced = oldest->stream.lock();
    entries_.erase(oldest);
  }
  if (entries_.size() >= calls_max_) return added;
  entries_.push_back({device, stream});
  added.taken = true;
  return added;
}

void OpenUploads::Recheck(rpc::Authorizer& authorizer) {
  std::vector<std::shared_ptr<UploadStream>> streams;
  std::vector<rpc::Caller> callers;
  for (std::shared_ptr<UploadStream>& stream : All()) {
    std::optional<rpc::Caller> caller = stream->CallerToRecheck();
    if (!caller) continue;
    callers.push_back(*std::move(caller));
    streams.push_back(std::move(stream));
  }
  const std::vector<absl::Status> answers = authorizer.RecheckAll(callers);
  for (size_t i = 0; i < streams.size(); ++i) streams[i]->OnRechecked(answers.at(i));
}

std::vector<std::shared_ptr<UploadStream>> OpenUploads::All() {
  std::vector<std::shared_ptr<UploadStream>> open;
  MutexLock lock(mutex_);
  ForgetGone();
  for (const Entry& entry : entries_) {
    if (auto stream = entry.stream.lock()) open.push_back(std::move(stream));
  }
  return open;
}

void OpenUploads::ForgetGone() {
  std::erase_if(entries_, [](const Entry& entry) { return entry.stream.expired(); });
}

}  // namespace tidemark::ingest
