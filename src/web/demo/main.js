document.documentElement.dataset.page = 'demo';
