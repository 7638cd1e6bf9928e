const form = document.querySelector('#ask');
const greeting = document.querySelector('#greeting');

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const query = new URLSearchParams({ name: form.elements.name.value });
  const answer = await fetch(`/api/greeting?${query}`);
  const body = await answer.json();
  greeting.textContent = body.greeting ?? body.error;
});
