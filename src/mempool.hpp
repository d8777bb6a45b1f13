/* SPDX-License-Identifier: MIT */
/*
 * mempool.hpp - libmempool for programs in C++17.
 *
 * Pools as resources of std::pmr, as allocators without virtual calls, and
 * with an owner that ends them.  Nothing but what mempool.h has stands behind
 * it: link with -lmempool.
 *
 * Errors are exceptions: std::bad_alloc where there is no memory, a limit is
 * reached or an alignment is more than the pool can give; std::system_error
 * where an option makes no sense.  Threads: as the pool's form says; a region
 * is for one at a time.  A pool outlives all that lies in it: declare it first.
 */
#ifndef MEMPOOL_HPP
#define MEMPOOL_HPP

#if !defined(__cplusplus) || __cplusplus < 201703L
#error "mempool.hpp: C++17 or later is needed (-std=c++17)"
#endif

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

#include "mempool.h"

namespace mempool
{

/* --- owners --- */

template <auto Destroy> struct destroyer {
	template <class T> void operator()(T *p) const noexcept
	{
		Destroy(p);
	}
};

/* What the C functions made, ended with the scope; get() is for the others. */
using fixed =
	std::unique_ptr<mempool_fixed_t, destroyer<mempool_fixed_destroy>>;
using var = std::unique_ptr<mempool_var_t, destroyer<mempool_var_destroy>>;
using region =
	std::unique_ptr<mempool_region_t, destroyer<mempool_region_destroy>>;
using cache =
	std::unique_ptr<mempool_cache_t, destroyer<mempool_cache_destroy>>;
using reserve = std::unique_ptr<mempool_t, destroyer<mempool_destroy>>;

/* A node of a tree, and all that is below it; T has no destructor to call. */
template <class T = void>
using node = std::unique_ptr<T, destroyer<mempool_tree_free>>;

namespace detail
{

template <class T> T *given(T *p)
{
	if (__builtin_expect(!p, 0))
		throw std::bad_alloc();
	return p;
}

template <class T> T *made(T *p, const char *function)
{
	if (!p && errno != ENOMEM)
		throw std::system_error(errno, std::generic_category(),
					function);
	return given(p);
}

} // namespace detail

inline fixed make_fixed(std::size_t size, const mempool_options &options = {})
{
	return fixed(detail::made(mempool_fixed_create(size, &options),
				  "mempool_fixed_create"));
}

inline var make_var(const mempool_options &options = {})
{
	return var(detail::made(mempool_var_create(&options),
				"mempool_var_create"));
}

inline region make_region(const mempool_options &options = {})
{
	return region(detail::made(mempool_region_create(&options),
				   "mempool_region_create"));
}

/* Frees at its end what was taken from the region since its beginning. */
class region_scope
{
      public:
	explicit region_scope(mempool_region_t *of)
	    : region_(of), mark_(mempool_region_mark(of))
	{
	}
	~region_scope()
	{
		mempool_region_rewind(region_, mark_);
	}
	region_scope(const region_scope &) = delete;
	region_scope &operator=(const region_scope &) = delete;

      private:
	mempool_region_t *region_;
	mempool_mark mark_;
};

/* --- resources of std::pmr --- */

namespace detail
{

/*
 * What they have in common.  Self has take(bytes, alignment), NULL when there
 * is none, and give(p, bytes, alignment); allocators call these directly.
 */
template <class Self> class resource : public std::pmr::memory_resource
{
      public:
	resource() = default;
	resource(const resource &) = delete;
	resource &operator=(const resource &) = delete;

      private:
	Self &self() noexcept
	{
		return static_cast<Self &>(*this);
	}
	void *do_allocate(std::size_t bytes, std::size_t alignment) final
	{
		return given(self().take(bytes, alignment));
	}
	void do_deallocate(void *p, std::size_t bytes,
			   std::size_t alignment) final
	{
		self().give(p, bytes, alignment);
	}
	/* Without RTTI each is equal to itself alone. */
	bool
	do_is_equal(const std::pmr::memory_resource &other) const noexcept final
	{
#ifdef __cpp_rtti
		auto *same = dynamic_cast<const Self *>(&other);

		return same && static_cast<const Self &>(*this).is_like(*same);
#else
		return this == &other;
#endif
	}
};

/* Such a one over a pool: its own, or one that somebody else ends. */
template <class Self, class Owner> class pool_resource : public resource<Self>
{
      public:
	using pool = typename Owner::element_type;

	explicit pool_resource(Owner owner) noexcept
	    : owner_(std::move(owner)), pool_(owner_.get())
	{
	}
	explicit pool_resource(pool *borrowed) noexcept : pool_(borrowed)
	{
	}
	pool *get() const noexcept
	{
		return pool_;
	}
	bool is_like(const Self &other) const noexcept
	{
		return pool_ == other.get();
	}

      private:
	Owner owner_;
	pool *pool_;
};

} // namespace detail

/* Takes only; the memory is free with release() or with the region. */
class region_resource final
    : public detail::pool_resource<region_resource, region>
{
      public:
	using pool_resource::pool_resource;
	explicit region_resource(const mempool_options &options = {})
	    : pool_resource(make_region(options))
	{
	}
	void release() noexcept
	{
		mempool_region_reset(get());
	}
	void *take(std::size_t bytes, std::size_t alignment) noexcept
	{
		if (alignment - 1 <= get()->mask)
			return mempool_region_alloc(get(), bytes);
		return mempool_region_aligned(get(), alignment, bytes);
	}
	void give(void *, std::size_t, std::size_t) noexcept
	{
	}
};

/* Alignments up to 32 KiB; up to 2 KiB with a limit below 4 MiB. */
class var_resource final : public detail::pool_resource<var_resource, var>
{
      public:
	using pool_resource::pool_resource;
	explicit var_resource(const mempool_options &options = {})
	    : pool_resource(make_var(options))
	{
	}
	void *take(std::size_t bytes, std::size_t alignment) noexcept
	{
		if (alignment <= 16)
			return mempool_var_alloc(get(), bytes);
		return mempool_var_aligned(get(), alignment, bytes);
	}
	void give(void *p, std::size_t, std::size_t) noexcept
	{
		mempool_var_free(get(), p);
	}
};

/*
 * Objects of up to `size` bytes, the nodes of a list or a map; what is larger,
 * or aligned to more than the pool is, comes from `upstream`.
 */
class fixed_resource final : public detail::pool_resource<fixed_resource, fixed>
{
      public:
	using upstream_t = std::pmr::memory_resource;

	explicit fixed_resource(
		std::size_t size, const mempool_options &options = {},
		upstream_t *upstream = std::pmr::get_default_resource())
	    : pool_resource(make_fixed(size, options)), size_(size),
	      alignment_(options.align ? options.align
				       : natural_alignment(size)),
	      upstream_(upstream)
	{
	}
	/* The pool was made for objects of this size and alignment. */
	fixed_resource(mempool_fixed_t *borrowed, std::size_t size,
		       std::size_t alignment,
		       upstream_t *upstream = std::pmr::get_default_resource())
	    : pool_resource(borrowed), size_(size), alignment_(alignment),
	      upstream_(upstream)
	{
	}
	upstream_t *upstream_resource() const noexcept
	{
		return upstream_;
	}
	void *take(std::size_t bytes, std::size_t alignment)
	{
		if (fits(bytes, alignment))
			return mempool_fixed_alloc(get());
		return upstream_->allocate(bytes, alignment);
	}
	void give(void *p, std::size_t bytes, std::size_t alignment)
	{
		if (fits(bytes, alignment))
			mempool_fixed_free(get(), p);
		else
			upstream_->deallocate(p, bytes, alignment);
	}
	bool is_like(const fixed_resource &other) const noexcept
	{
		return get() == other.get() && size_ == other.size_ &&
		       alignment_ == other.alignment_ &&
		       *upstream_ == *other.upstream_;
	}

      private:
	static std::size_t natural_alignment(std::size_t size) noexcept
	{
		return size <= 8 ? 8 : 16;
	}
	bool fits(std::size_t bytes, std::size_t alignment) const noexcept
	{
		return bytes <= size_ && alignment <= alignment_;
	}

	std::size_t size_, alignment_;
	upstream_t *upstream_;
};

/* The heap of small objects, of which a process has one; alignments up to 16.
 */
class small_resource final : public detail::resource<small_resource>
{
      public:
	void *take(std::size_t bytes, std::size_t alignment) noexcept
	{
		return alignment <= 16 ? mempool_small_alloc(bytes) : nullptr;
	}
	void give(void *p, std::size_t, std::size_t) noexcept
	{
		mempool_small_free(p);
	}
	bool is_like(const small_resource &) const noexcept
	{
		return true;
	}
};

/* --- allocators --- */

/*
 * For containers whose type may say where their memory comes from: no call is
 * virtual.  It goes with the contents when a container is moved or swapped.
 */
template <class T, class Resource> class allocator
{
      public:
	using value_type = T;
	using propagate_on_container_move_assignment = std::true_type;
	using propagate_on_container_swap = std::true_type;

	allocator(Resource *resource) noexcept : resource_(resource)
	{
	}
	template <class U>
	allocator(const allocator<U, Resource> &other) noexcept
	    : resource_(other.resource())
	{
	}
	T *allocate(std::size_t n)
	{
		if (n > PTRDIFF_MAX / sizeof(T))
			throw std::bad_array_new_length();
		return static_cast<T *>(detail::given(
			resource_->take(n * sizeof(T), alignof(T))));
	}
	void deallocate(T *p, std::size_t n)
	{
		resource_->give(p, n * sizeof(T), alignof(T));
	}
	Resource *resource() const noexcept
	{
		return resource_;
	}

      private:
	Resource *resource_;
};

template <class T, class U, class Resource>
bool operator==(const allocator<T, Resource> &a,
		const allocator<U, Resource> &b) noexcept
{
	return a.resource() == b.resource() || *a.resource() == *b.resource();
}

template <class T, class U, class Resource>
bool operator!=(const allocator<T, Resource> &a,
		const allocator<U, Resource> &b) noexcept
{
	return !(a == b);
}

/* The same over the heap of small objects: nothing to name, all are equal. */
template <class T> class small_allocator
{
      public:
	using value_type = T;
	using is_always_equal = std::true_type;

	static_assert(alignof(T) <= 16, "small objects are aligned to 16");

	small_allocator() = default;
	template <class U> small_allocator(const small_allocator<U> &) noexcept
	{
	}
	T *allocate(std::size_t n)
	{
		if (n > PTRDIFF_MAX / sizeof(T))
			throw std::bad_array_new_length();
		return static_cast<T *>(
			detail::given(mempool_small_alloc(n * sizeof(T))));
	}
	void deallocate(T *p, std::size_t) noexcept
	{
		mempool_small_free(p);
	}
};

template <class T, class U>
bool operator==(const small_allocator<T> &, const small_allocator<U> &) noexcept
{
	return true;
}

template <class T, class U>
bool operator!=(const small_allocator<T> &, const small_allocator<U> &) noexcept
{
	return false;
}

} // namespace mempool

#endif
