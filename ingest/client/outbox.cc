#include "ingest/client/outbox.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

#include "base/base64.h"
#include "base/status_macros.h"

namespace tidemark::ingest {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kChunkMagic = "TMC1";
constexpr size_t kChunkHeaderBytes = kChunkMagic.size() + sizeof(Sha256Digest);
constexpr std::string_view kChunkSuffix = ".chunk";
constexpr std::string_view kSettledSuffix = ".settled";
constexpr std::string_view kReasonSuffix = ".reason";
constexpr size_t kStreamsFileBytesMax = size_t{16} << 20;
constexpr size_t kNumberDigits = 20;  // of 2^64, so that names sort as numbers

std::string NumberName(uint64_t number, std::string_view suffix) {
  return fmt::format("{:0{}}{}", number, kNumberDigits, suffix);
}

// The number of a file called <20 digits><suffix>; other names are not ours.
std::optional<uint64_t> NumberOf(std::string_view name, std::string_view suffix) {
  if (name.size() != kNumberDigits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kNumberDigits, number);
  if (error != std::errc() || end != name.data() + kNumberDigits) return std::nullopt;
  return number;
}

absl::Status RemoveFile(const fs::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return FileError("remove", path, errno);
  return absl::OkStatus();
}

bool IsRecords(const OutboxStream& stream) {
  return !stream.declarations.empty() &&
         stream.declarations.back().modality() == v1::MODALITY_RECORDS;
}

nlohmann::ordered_json ToJson(const OutboxStream& stream) {
  nlohmann::ordered_json declarations = nlohmann::ordered_json::array();
  for (const auto& declaration : stream.declarations) {
    declarations.push_back(Base64UrlEncode(declaration.SerializeAsString()));
  }
  return {{"name", stream.name},
          {"stream_id", stream.stream_id.ToString()},
          {"writer_id", stream.writer_id.ToString()},
          {"stopped", stream.stopped},
          {"declarations", std::move(declarations)}};
}

// Throws nlohmann::json exceptions; the caller turns them into a status.
absl::StatusOr<OutboxStream> FromJson(const nlohmann::json& json) {
  OutboxStream stream;
  stream.name = json.at("name").get<std::string>();
  stream.stopped = json.at("stopped").get<bool>();
  TM_ASSIGN_OR_RETURN(stream.stream_id, StreamId::Parse(json.at("stream_id").get<std::string>()));
  TM_ASSIGN_OR_RETURN(stream.writer_id, WriterId::Parse(json.at("writer_id").get<std::string>()));
  for (const auto& encoded : json.at("declarations")) {
    TM_ASSIGN_OR_RETURN(const std::string bytes, Base64UrlDecode(encoded.get<std::string>()));
    if (!stream.declarations.emplace_back().ParseFromString(bytes)) {
      return absl::InvalidArgumentError("declaration");
    }
  }
  return stream;
}

absl::StatusOr<std::vector<OutboxStream>> ParseStreams(const std::string& text,
                                                       const fs::path& path) {
  const auto broken = [&](std::string_view why) {
    return absl::DataLossError(
        fmt::format("{} cannot be understood ({}): restore it from a copy", path.string(), why));
  };
  try {
    std::vector<OutboxStream> streams;
    const auto file = nlohmann::json::parse(text);
    for (const auto& json : file.at("streams")) {
      auto stream = FromJson(json);
      if (!stream.ok()) return broken(std::string(stream.status().message()));
      streams.push_back(*std::move(stream));
    }
    return streams;
  } catch (const nlohmann::json::exception& error) {
    return broken(error.what());
  }
}

// Calls `visit` for each entry name. Errors of the folder itself are the caller's.
absl::Status ForEachEntry(const fs::path& folder,
                          const std::function<absl::Status(const fs::directory_entry&)>& visit) {
  std::error_code error;
  fs::directory_iterator it(folder, error);
  if (error) return FileError("list", folder, error.value());
  for (const fs::directory_iterator end; it != end;) {
    TM_RETURN_IF_ERROR(visit(*it));
    it.increment(error);
    if (error) return FileError("list", folder, error.value());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Outbox>> Outbox::Open(const fs::path& folder, OutboxLimits limits) {
  TM_RETURN_IF_ERROR(MakeFolder(folder));
  TM_ASSIGN_OR_RETURN(FileLock lock, FileLock::Acquire(folder / "lock"));
  std::unique_ptr<Outbox> outbox(new Outbox(folder, limits, std::move(lock)));
  TM_RETURN_IF_ERROR(outbox->Load());
  return outbox;
}

absl::Status Outbox::Load() {
  MutexLock lock(mutex_);
  // On a full disk without one, nothing is recorded until there is room again.
  reserve_.Take();
  TM_RETURN_IF_ERROR(LoadStreams());
  return ForEachEntry(folder_, [&](const fs::directory_entry& entry) TM_NO_THREAD_SAFETY_ANALYSIS {
    const auto stream_id = StreamId::Parse(entry.path().filename().string());
    return stream_id.ok() && entry.is_directory() ? ScanStream(*stream_id) : absl::OkStatus();
  });
}

absl::Status Outbox::LoadStreams() {
  const fs::path path = folder_ / "streams.json";
  auto text = ReadFile(path, kStreamsFileBytesMax);
  if (absl::IsNotFound(text.status())) return absl::OkStatus();
  TM_RETURN_IF_ERROR(text.status());
  TM_ASSIGN_OR_RETURN(streams_, ParseStreams(*text, path));
  return absl::OkStatus();
}

absl::Status Outbox::SaveStreams() {
  nlohmann::ordered_json streams = nlohmann::ordered_json::array();
  for (const OutboxStream& stream : streams_) streams.push_back(ToJson(stream));
  const nlohmann::ordered_json file = {{"format", 1}, {"streams", std::move(streams)}};
  return WriteFileDurably(folder_ / "streams.json", file.dump(1) + "\n");
}

absl::Status Outbox::ScanStream(const StreamId& stream_id) {
  return ForEachEntry(folder_ / stream_id.ToString(),
                      [&](const fs::directory_entry& entry) TM_NO_THREAD_SAFETY_ANALYSIS {
                        const auto writer_id = WriterId::Parse(entry.path().filename().string());
                        return writer_id.ok() && entry.is_directory()
                                   ? ScanWriter(stream_id, *writer_id)
                                   : absl::OkStatus();
                      });
}

absl::Status Outbox::ScanWriter(const StreamId& stream_id, const WriterId& writer_id) {
  Writer& writer = writers_[{stream_id, writer_id}];
  return ForEachEntry(
      WriterFolder(stream_id, writer_id),
      [&](const fs::directory_entry& entry) TM_NO_THREAD_SAFETY_ANALYSIS -> absl::Status {
        const std::string name = entry.path().filename().string();
        if (name.ends_with(".tmp")) return RemoveFile(entry.path());
        const auto settled = NumberOf(name, kSettledSuffix);
        const auto pending = NumberOf(name, kChunkSuffix);
        if (!settled && !pending) return absl::OkStatus();
        writer.next = std::max(writer.next, (settled ? *settled : *pending) + 1);
        if (settled) return absl::OkStatus();
        if (pending_chunks_ >= limits_.pending_chunks_max) {
          return OnThisMachine(absl::ResourceExhaustedError(fmt::format(
              "{} holds more than {} chunks", folder_.string(), limits_.pending_chunks_max)));
        }
        std::error_code unknown;
        auto bytes = static_cast<uint32_t>(entry.file_size(unknown));
        // Whoever reads it is told why; until then it must not keep the others shut in.
        if (unknown) bytes = 0;
        writer.pending.emplace(*pending, bytes);
        ++pending_chunks_;
        pending_bytes_ += bytes;
        return absl::OkStatus();
      });
}

OutboxStream* Outbox::FindStream(const StreamId& stream_id) {
  const auto it = std::find_if(streams_.begin(), streams_.end(),
                               [&](const auto& stream) { return stream.stream_id == stream_id; });
  return it == streams_.end() ? nullptr : &*it;
}

absl::StatusOr<Outbox::Declared> Outbox::DeclareStream(const std::string& name,
                                                       const v1::StreamDeclaration& declaration) {
  MutexLock lock(mutex_);
  auto it = std::find_if(streams_.begin(), streams_.end(),
                         [&](const auto& stream) { return stream.name == name; });
  const bool is_new = it == streams_.end();
  if (is_new) {
    streams_.push_back({.stream_id = StreamId::MakeV7(),
                        .name = name,
                        .writer_id = WriterId::MakeRandom(),
                        .declarations = {}});
    it = streams_.end() - 1;
  }
  const auto version = [&] { return static_cast<uint32_t>(it->declarations.size()); };
  const std::string wanted = declaration.SerializeAsString();
  for (uint32_t known = version(); known > 0; --known) {
    if (it->declarations[known - 1].SerializeAsString() == wanted) {
      return Declared{it->stream_id, known};
    }
  }
  it->declarations.push_back(declaration);
  if (absl::Status saved = SaveStreams(); !saved.ok()) {
    // What is not on disk was not declared.
    it->declarations.pop_back();
    if (is_new) streams_.pop_back();
    return saved;
  }
  return Declared{it->stream_id, version()};
}

std::vector<OutboxStream> Outbox::Streams() const {
  MutexLock lock(mutex_);
  return streams_;
}

absl::Status Outbox::CheckRoom(const std::string& body) const {
  if (body.empty() || body.size() > kBodyBytesMax) {
    return absl::InvalidArgumentError(
        fmt::format("a chunk has 1 to {} bytes, not {}", kBodyBytesMax, body.size()));
  }
  if (pending_chunks_ >= limits_.pending_chunks_max ||
      pending_bytes_ + kChunkHeaderBytes + body.size() > limits_.pending_bytes_max) {
    return OnThisMachine(absl::ResourceExhaustedError(
        fmt::format("the outbox is full ({} chunks, {} bytes): upload first", pending_chunks_,
                    pending_bytes_)));
  }
  return absl::OkStatus();
}

absl::Status Outbox::DiskFull(size_t file_bytes) const {
  return FileError(fmt::format("take a chunk of {} bytes into", file_bytes), folder_, ENOSPC);
}

absl::StatusOr<ChunkRef> Outbox::Append(const StreamId& stream_id, const MakeBody& make_body) {
  WriterId writer_id;
  {
    MutexLock lock(mutex_);
    const OutboxStream* stream = FindStream(stream_id);
    if (stream == nullptr) return absl::FailedPreconditionError("the stream was never declared");
    writer_id = stream->writer_id;
  }
  return Append(stream_id, writer_id, make_body);
}

absl::StatusOr<ChunkRef> Outbox::Append(const StreamId& stream_id, const WriterId& writer_id,
                                        const MakeBody& make_body) {
  MutexLock lock(mutex_);
  const OutboxStream* stream = FindStream(stream_id);
  if (stream == nullptr) return absl::FailedPreconditionError("the stream was never declared");
  if (stream->stopped) {
    return absl::FailedPreconditionError(fmt::format(
        "stream {} was stopped by the server: there is no consent to record it", stream->name));
  }
  Writer& writer = writers_[{stream_id, writer_id}];
  const std::string body = make_body(writer_id, writer.next);
  TM_RETURN_IF_ERROR(CheckRoom(body));
  std::string file;
  file.reserve(kChunkHeaderBytes + body.size());
  file.append(kChunkMagic).append(AsView(Sha256(body))).append(body);
  const ChunkRef ref{stream_id, writer_id, writer.next};
  // Without a reserve the last of the disk belongs to the receipts.
  if (!reserve_.Take()) return DiskFull(file.size());
  TM_RETURN_IF_ERROR(MakeFolder(WriterFolder(stream_id, writer_id)));
  const absl::Status written = WriteFileDurably(PathOf(ref, kChunkSuffix), file);
  if (IsDiskFull(written)) return DiskFull(file.size());
  TM_RETURN_IF_ERROR(written);
  if (ref.number > 0) {
    // The new file carries the newest number now.
    TM_RETURN_IF_ERROR(RemoveFile(PathOf({stream_id, writer_id, ref.number - 1}, kSettledSuffix)));
  }
  ++writer.next;
  writer.pending.emplace(ref.number, static_cast<uint32_t>(file.size()));
  ++pending_chunks_;
  pending_bytes_ += file.size();
  return ref;
}

uint64_t Outbox::NextNumber(const StreamId& stream_id, const WriterId& writer_id) const {
  MutexLock lock(mutex_);
  const auto it = writers_.find({stream_id, writer_id});
  return it == writers_.end() ? 0 : it->second.next;
}

std::vector<ChunkRef> Outbox::Pending() const {
  MutexLock lock(mutex_);
  std::set<StreamId> records;
  for (const OutboxStream& stream : streams_) {
    if (IsRecords(stream)) records.insert(stream.stream_id);
  }
  std::vector<ChunkRef> refs;
  refs.reserve(pending_chunks_);
  for (const bool records_first : {true, false}) {
    for (const auto& [key, writer] : writers_) {
      if (records.contains(key.first) != records_first) continue;
      for (const auto& [number, bytes] : writer.pending) {
        refs.push_back({key.first, key.second, number});
      }
    }
  }
  return refs;
}

size_t Outbox::pending_chunks() const {
  MutexLock lock(mutex_);
  return pending_chunks_;
}

uint64_t Outbox::pending_bytes() const {
  MutexLock lock(mutex_);
  return pending_bytes_;
}

std::vector<OutboxWriter> Outbox::Writers() const {
  MutexLock lock(mutex_);
  std::vector<OutboxWriter> all;
  for (const auto& [key, writer] : writers_) {
    OutboxWriter& out = all.emplace_back();
    out.stream_id = key.first;
    out.writer_id = key.second;
    out.next = writer.next;
    for (const auto& [number, bytes] : writer.pending) out.pending.push_back(number);
  }
  return all;
}

absl::StatusOr<ChunkBytes> Outbox::Read(const ChunkRef& ref) const {
  const fs::path path = PathOf(ref, kChunkSuffix);
  TM_ASSIGN_OR_RETURN(std::string file, ReadFile(path, kChunkHeaderBytes + kBodyBytesMax));
  const auto damaged = [&] {
    return absl::DataLossError(fmt::format("{} is damaged on this device", path.string()));
  };
  if (file.size() <= kChunkHeaderBytes || !file.starts_with(kChunkMagic)) return damaged();
  ChunkBytes chunk;
  std::copy_n(file.begin() + kChunkMagic.size(), chunk.sha256.size(),
              reinterpret_cast<char*>(chunk.sha256.data()));
  chunk.body = file.substr(kChunkHeaderBytes);
  if (Sha256(chunk.body) != chunk.sha256) return damaged();
  return chunk;
}

absl::Status Outbox::LeaveTombstone(const ChunkRef& ref) {
  const Writer& writer = writers_[{ref.stream_id, ref.writer_id}];
  if (ref.number + 1 != writer.next) return absl::OkStatus();
  return WriteFileDurably(PathOf(ref, kSettledSuffix), "");
}

void Outbox::Forget(const ChunkRef& ref) {
  Writer& writer = writers_[{ref.stream_id, ref.writer_id}];
  const auto it = writer.pending.find(ref.number);
  if (it == writer.pending.end()) return;
  pending_bytes_ -= it->second;
  --pending_chunks_;
  writer.pending.erase(it);
}

absl::Status Outbox::WriteFromReserve(const std::function<absl::Status()>& write) {
  absl::Status written = write();
  if (!IsDiskFull(written)) return written;
  MutexLock lock(mutex_);
  return WriteWithReserve(write);
}

absl::Status Outbox::WriteWithReserve(const std::function<absl::Status()>& write) {
  absl::Status written = write();
  if (!IsDiskFull(written) || !reserve_.Give()) return written;
  return write();
}

void Outbox::RestoreReserve() {
  MutexLock lock(mutex_);
  reserve_.Take();
}

absl::Status Outbox::Delete(std::span<const ChunkRef> refs) {
  MutexLock lock(mutex_);
  for (const ChunkRef& ref : refs) {
    TM_RETURN_IF_ERROR(
        WriteWithReserve([&]() TM_NO_THREAD_SAFETY_ANALYSIS { return LeaveTombstone(ref); }));
    TM_RETURN_IF_ERROR(RemoveFile(PathOf(ref, kChunkSuffix)));
    Forget(ref);
  }
  return absl::OkStatus();
}

absl::Status Outbox::Keep(const ChunkRef& ref, std::string_view reason) {
  MutexLock lock(mutex_);
  TM_RETURN_IF_ERROR(
      WriteWithReserve([&]() TM_NO_THREAD_SAFETY_ANALYSIS { return MoveToKept(ref, reason); }));
  Forget(ref);
  return absl::OkStatus();
}

absl::Status Outbox::MoveToKept(const ChunkRef& ref, std::string_view reason) {
  const fs::path folder = folder_ / "kept" / ref.stream_id.ToString() / ref.writer_id.ToString();
  TM_RETURN_IF_ERROR(MakeFolder(folder));
  TM_RETURN_IF_ERROR(WriteFileDurably(folder / NumberName(ref.number, kReasonSuffix),
                                      fmt::format("{}\n", reason)));
  TM_RETURN_IF_ERROR(LeaveTombstone(ref));
  return MoveFileDurably(PathOf(ref, kChunkSuffix), folder / NumberName(ref.number, kChunkSuffix));
}

absl::Status Outbox::StartNewWriter(const StreamId& stream_id) {
  MutexLock lock(mutex_);
  OutboxStream* stream = FindStream(stream_id);
  if (stream == nullptr) return absl::OkStatus();
  const WriterId before = std::exchange(stream->writer_id, WriterId::MakeRandom());
  absl::Status saved =
      WriteWithReserve([this]() TM_NO_THREAD_SAFETY_ANALYSIS { return SaveStreams(); });
  if (!saved.ok()) stream->writer_id = before;
  return saved;
}

bool Outbox::IsNewest(const ChunkRef& ref) const {
  MutexLock lock(mutex_);
  const auto writer = writers_.find({ref.stream_id, ref.writer_id});
  return writer == writers_.end() || writer->second.next <= ref.number + 1;
}

absl::Status Outbox::StopStream(const StreamId& stream_id) {
  MutexLock lock(mutex_);
  OutboxStream* stream = FindStream(stream_id);
  if (stream == nullptr || stream->stopped) return absl::OkStatus();
  stream->stopped = true;
  absl::Status saved =
      WriteWithReserve([this]() TM_NO_THREAD_SAFETY_ANALYSIS { return SaveStreams(); });
  if (!saved.ok()) stream->stopped = false;
  return saved;
}

fs::path Outbox::WriterFolder(const StreamId& stream_id, const WriterId& writer_id) const {
  return folder_ / stream_id.ToString() / writer_id.ToString();
}

fs::path Outbox::PathOf(const ChunkRef& ref, std::string_view suffix) const {
  return WriterFolder(ref.stream_id, ref.writer_id) / NumberName(ref.number, suffix);
}

}  // namespace tidemark::ingest
