document.documentElement.dataset.page = 'stats';
