#include "base/metrics/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace tidemark::metrics {
namespace {

constexpr double kNsPerSecond = 1e9;

[[noreturn]] void Refuse(std::string_view name, std::string_view why) {
  fmt::print(stderr, "metric {}: {}\n", name, why);
  std::abort();
}

std::string_view SuffixOf(Unit unit) {
  switch (unit) {
    case Unit::kNone:
      return "";
    case Unit::kSeconds:
      return "_seconds";
    case Unit::kBytes:
      return "_bytes";
  }
  return "";
}

bool IsWord(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

void CheckName(const Description& description, bool grows) {
  std::string_view name = description.name;
  if (!IsWord(name) || !(name.starts_with("tidemark_") || name.starts_with("process_"))) {
    Refuse(name, "is not a word that begins with tidemark_ or process_");
  }
  if (name.ends_with("_total") != grows) Refuse(name, "_total ends what only grows, nothing else");
  if (grows) name.remove_suffix(std::string_view("_total").size());
  if (!name.ends_with(SuffixOf(description.unit))) Refuse(description.name, "lacks its unit");
  if (description.help.empty()) Refuse(description.name, "lacks its help");
}

// As the format wants it: help has no quotes around it, label values have.
std::string Escaped(std::string_view text, bool is_label) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\\\";
    } else if (c == '\n') {
      escaped += "\\n";
    } else if (c == '"' && is_label) {
      escaped += "\\\"";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string Number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

// name{label="value"} number
void AppendSample(std::string& page, std::string_view name, std::string_view label,
                  std::string_view value, std::string_view number) {
  page += name;
  if (!label.empty()) page += fmt::format("{{{}=\"{}\"}}", label, Escaped(value, true));
  page += ' ';
  page += number;
  page += '\n';
}

}  // namespace

Histogram::Histogram(std::vector<uint64_t> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

void Histogram::Observe(uint64_t value) {
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  counts_[static_cast<size_t>(bound - bounds_.begin())].Add();
  sum_.Add(value);
}

void Histogram::Observe(absl::Duration duration) {
  Observe(static_cast<uint64_t>(std::max<int64_t>(0, absl::ToInt64Nanoseconds(duration))));
}

std::vector<uint64_t> Histogram::counts() const {
  std::vector<uint64_t> counts;
  for (const Counter& counter : counts_) counts.push_back(counter.value());
  return counts;
}

Reading::Source::Source(Source&& other) noexcept
    : reading_(std::exchange(other.reading_, nullptr)), id_(other.id_) {}

Reading::Source& Reading::Source::operator=(Source&& other) noexcept {
  std::swap(reading_, other.reading_);
  std::swap(id_, other.id_);
  return *this;
}

Reading::Source::~Source() {
  if (reading_ != nullptr) reading_->Remove(id_);
}

Reading::Source Reading::Add(std::string label, Ask ask) {
  MutexLock lock(mutex_);
  parts_.emplace(next_id_, Part{std::move(label), std::move(ask)});
  return {this, next_id_++};
}

void Reading::Remove(uint64_t id) {
  MutexLock lock(mutex_);
  parts_.erase(id);
}

std::map<std::string, double> Reading::AskAll() const {
  std::map<std::string, double> sums;
  MutexLock lock(mutex_);
  for (const auto& [id, part] : parts_) sums[part.label] += part.ask();
  return sums;
}

// A metric under its name.
class Registry::Metric {
 public:
  Metric(const Description& description, const char* type, std::string_view label)
      : name_(description.name),
        help_(description.help),
        unit_(description.unit),
        type_(type),
        label_(label) {
    if (!label_.empty() && !IsWord(label_)) Refuse(name_, "its label is no word");
  }
  virtual ~Metric() = default;

  const std::string& name() const { return name_; }
  Listed listed() const { return {name_, type_, label_, help_}; }
  void AppendTo(std::string& page) const {
    page += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name_, Escaped(help_, false), name_, type_);
    AppendSamples(page);
  }

 protected:
  virtual void AppendSamples(std::string& page) const = 0;
  const std::string& label() const { return label_; }
  Unit unit() const { return unit_; }

 private:
  const std::string name_;
  const std::string help_;
  const Unit unit_;
  const char* const type_;
  const std::string label_;
};

class Registry::OfCounters final : public Metric {
 public:
  OfCounters(const Description& description, std::string_view label,
             std::vector<std::string> values)
      : Metric(description, "counter", label),
        values_(std::move(values)),
        counters(values_.size()) {
    CheckName(description, true);
  }

 private:
  void AppendSamples(std::string& page) const override {
    for (size_t i = 0; i < values_.size(); ++i) {
      AppendSample(page, name(), label(), values_[i], fmt::format("{}", counters[i].value()));
    }
  }
  const std::vector<std::string> values_;

 public:
  Counters counters;
};

class Registry::OfLevel final : public Metric {
 public:
  explicit OfLevel(const Description& description) : Metric(description, "gauge", "") {
    CheckName(description, false);
  }
  Level level;

 private:
  void AppendSamples(std::string& page) const override {
    AppendSample(page, name(), "", "", fmt::format("{}", level.value()));
  }
};

class Registry::OfHistogram final : public Metric {
 public:
  OfHistogram(const Description& description, std::vector<uint64_t> bounds)
      : Metric(description, "histogram", ""), histogram(std::move(bounds)) {
    CheckName(description, false);
    const auto all = histogram.bounds();
    if (all.empty() || !std::is_sorted(all.begin(), all.end(), std::less_equal<>())) {
      Refuse(description.name, "its bounds do not grow");
    }
  }
  Histogram histogram;

 private:
  std::string Shown(uint64_t value) const {
    return unit() == Unit::kSeconds ? Number(static_cast<double>(value) / kNsPerSecond)
                                    : fmt::format("{}", value);
  }
  // The count is that of the last bucket, so that a page agrees with itself while others count.
  void AppendSamples(std::string& page) const override {
    const std::vector<uint64_t> counts = histogram.counts();
    uint64_t below = 0;
    for (size_t i = 0; i < counts.size(); ++i) {
      below += counts[i];
      AppendSample(page, name() + "_bucket", "le",
                   i < histogram.bounds().size() ? Shown(histogram.bounds()[i]) : "+Inf",
                   fmt::format("{}", below));
    }
    AppendSample(page, name() + "_sum", "", "", Shown(histogram.sum()));
    AppendSample(page, name() + "_count", "", "", fmt::format("{}", below));
  }
};

class Registry::OfReading final : public Metric {
 public:
  OfReading(const Description& description, std::string_view label, bool grows)
      : Metric(description, grows ? "counter" : "gauge", label) {
    CheckName(description, grows);
  }
  Reading reading;

 private:
  void AppendSamples(std::string& page) const override {
    for (const auto& [value, sum] : reading.AskAll()) {
      AppendSample(page, name(), label(), value, Number(sum));
    }
  }
};

Registry& Registry::OfProcess() {
  static Registry& registry = *new Registry;
  return registry;
}

Registry::Registry() = default;
Registry::~Registry() = default;

template <class M, class... Args>
M& Registry::Add(const Description& description, Args&&... args) {
  auto made = std::make_unique<M>(description, std::forward<Args>(args)...);
  M& metric = *made;
  MutexLock lock(mutex_);
  const auto place = std::lower_bound(
      metrics_.begin(), metrics_.end(), description.name,
      [](const auto& present, std::string_view name) { return present->name() < name; });
  if (place != metrics_.end() && (*place)->name() == description.name) {
    Refuse(description.name, "is taken");
  }
  metrics_.insert(place, std::move(made));
  return metric;
}

Counter& Registry::AddCounter(const Description& description) {
  return AddCounters(description, "", {""})[0];
}

Counters& Registry::AddCounters(const Description& description, std::string_view label,
                                std::vector<std::string> values) {
  return Add<OfCounters>(description, label, std::move(values)).counters;
}

Level& Registry::AddLevel(const Description& description) {
  return Add<OfLevel>(description).level;
}

Histogram& Registry::AddHistogram(const Description& description, std::vector<uint64_t> bounds) {
  return Add<OfHistogram>(description, std::move(bounds)).histogram;
}

Reading& Registry::AddReading(const Description& description, std::string_view label) {
  return Add<OfReading>(description, label, false).reading;
}

Reading& Registry::AddGrowingReading(const Description& description, std::string_view label) {
  return Add<OfReading>(description, label, true).reading;
}

std::string Registry::Text() const {
  std::string page;
  MutexLock lock(mutex_);
  for (const auto& metric : metrics_) metric->AppendTo(page);
  return page;
}

std::vector<Listed> Registry::List() const {
  std::vector<Listed> list;
  MutexLock lock(mutex_);
  for (const auto& metric : metrics_) list.push_back(metric->listed());
  return list;
}

}  // namespace tidemark::metrics
