document.documentElement.dataset.page = 'console';
